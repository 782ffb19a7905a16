package fileconn

import (
	"errors"

	"github.com/millrace-go/millrace/transform"
)

// CSV returns a source of the records of CSV files, each file with a header. It stops
// with a permanent *[transform.RowError] at the first bad record.
func CSV[T any](files SourceConfig, config transform.CSVConfig) (*Source[T], error) {
	format, err := transform.NewCSV[T](config)

	return newSource("csv", files, values[T](format), err)
}

// CSVRows returns a source like that of [CSV] which hands out good and bad records alike.
// It stops only where a file cannot be read on: a wrong header, a quote that never closes.
func CSVRows[T any](files SourceConfig, config transform.CSVConfig) (*Source[transform.Row[T]], error) {
	format, err := transform.NewCSV[T](config)

	return newSource("csv", files, allRows[T](format), err)
}

// NDJSON returns a source of the records of NDJSON files. It stops with a permanent
// *[transform.RowError] at the first bad record. An empty file has no records.
func NDJSON[T any](files SourceConfig, config transform.NDJSONConfig) (*Source[T], error) {
	format, err := transform.NewNDJSON[T](config)

	return newSource("ndjson", files, values[T](format), err)
}

// NDJSONRows returns a source like that of [NDJSON] which hands out good and bad records
// alike.
func NDJSONRows[T any](files SourceConfig, config transform.NDJSONConfig) (*Source[transform.Row[T]], error) {
	format, err := transform.NewNDJSON[T](config)

	return newSource("ndjson", files, allRows[T](format), err)
}

// Lines returns a source of the lines of text files. It stops with a permanent
// *[transform.RowError] at a line that is too long or not UTF-8. An empty file has no
// lines.
func Lines(files SourceConfig, config transform.LinesConfig) (*Source[string], error) {
	format, err := transform.NewLines(config)

	return newSource("lines", files, values[string](format), err)
}

// LinesRows returns a source like that of [Lines] which hands out good and bad lines
// alike.
func LinesRows(files SourceConfig, config transform.LinesConfig) (*Source[transform.Row[string]], error) {
	format, err := transform.NewLines(config)

	return newSource("lines", files, allRows[string](format), err)
}

// Files returns a source of the records of files in any format. It stops with a permanent
// *[transform.RowError] at the first bad record.
func Files[T any](files SourceConfig, format transform.Decoder[T]) (*Source[T], error) {
	return newSource("files", files, values(format), given(format != nil))
}

// FilesRows returns a source like that of [Files] which hands out good and bad records
// alike.
func FilesRows[T any](files SourceConfig, format transform.Decoder[T]) (*Source[transform.Row[T]], error) {
	return newSource("files", files, allRows(format), given(format != nil))
}

func given(format bool) error {
	if format {
		return nil
	}

	return errors.New("fileconn: the format is nil")
}
