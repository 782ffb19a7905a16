package fileconn_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/transform"
)

// formats are all formats that are no lines, each with what writes it.
func formats(t testing.TB) map[string]struct {
	decoder transform.Decoder[item]
	encode  func([]item) string
} {
	t.Helper()
	array, err1 := transform.NewJSONArray[item](transform.JSONArrayConfig{})
	xml, err2 := transform.NewXML[item](transform.XMLConfig{Record: "item"})
	packed, err3 := transform.Gzip[item](array, transform.DecompressConfig{})
	archive, err4 := transform.Zip[item](csvFormat(t), transform.ZipConfig{})
	do(t, err1, err2, err3, err4)
	text := func(format transform.Encoder[item], items []item) string {
		text, bad, err := transform.Encode(format, items)
		if err != nil || len(bad) > 0 {
			t.Fatal(bad, err)
		}

		return string(text)
	}

	return map[string]struct {
		decoder transform.Decoder[item]
		encode  func([]item) string
	}{
		"json array": {array, func(items []item) string { return text(array, items) }},
		"xml":        {xml, func(items []item) string { return text(xml, items) }},
		"gzip": {packed, func(items []item) string {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			_, err := w.Write([]byte(text(array, items)))
			do(t, err, w.Close())

			return b.String()
		}},
		"zip": {archive, func(items []item) string {
			var b bytes.Buffer
			w := zip.NewWriter(&b)
			for i := range 3 { // three entries
				e, err := w.Create(fmt.Sprintf("%d.csv", i))
				do(t, err)
				_, err = e.Write([]byte(text(csvFormat(t), items[len(items)*i/3:len(items)*(i+1)/3])))
				do(t, err)
			}
			do(t, w.Close())

			return b.String()
		}},
	}
}

func TestFormatsConformance(t *testing.T) {
	for name, format := range formats(t) {
		t.Run(name, func(t *testing.T) {
			conntest.TestSource(t, conntest.SourceHarness[item]{
				New: func(t testing.TB, values []item) connector.Source[item] {
					source, err := fileconn.Files(fileconn.SourceConfig{Paths: []string{put(t, "x", format.encode(values))}}, format.decoder)
					do(t, err)

					return source
				},
				Value: conformItem, Reopen: anew[item],
			})
		})
		t.Run(name+" in a folder", func(t *testing.T) {
			conntest.TestSource(t, conntest.SourceHarness[item]{
				New: func(t testing.TB, values []item) connector.Source[item] {
					in := newInbox(t, map[string]string{"x": format.encode(values)})
					source, err := fileconn.Folder(in.dir, format.decoder, fileconn.FolderConfig{
						Store: in.store, Atomic: true, UntilEmpty: true, Archive: "done",
					})
					do(t, err)

					return source
				},
				Value: conformItem, Reopen: anew[item],
				Resumes: true,
			})
		})
	}
}

// A file that changes is seen in every format, the end of an archive included.
func TestFormatsSeeChanges(t *testing.T) {
	var items []item
	for i := range 5_000 {
		items = append(items, item{Name: strings.Repeat(fmt.Sprint("name ", i*7919%5_000), 5), Count: i})
	}
	for name, format := range formats(t) {
		t.Run(name, func(t *testing.T) {
			text := format.encode(items)
			path := aged(t, "x", text)
			source, err := fileconn.Files(fileconn.SourceConfig{Paths: []string{path}}, format.decoder)
			do(t, err)
			got, err := meanwhile(t, source, func() { do(t, os.Truncate(path, int64(len(text)/2))) })
			if e, ok := errors.AsType[*fileconn.ChangedError](err); !ok || e.Change != fileconn.Shrank || len(got) == len(items) && name != "zip" { // whose text is in memory by then
				t.Errorf("%d items, %v", len(got), err)
			}
		})
	}
}

// A folder puts what is no archive, or a dangerous one, into quarantine.
func TestFolderQuarantinesArchives(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	_, err := w.Create("../../evil.csv")
	do(t, err, w.Close())
	in := newInbox(t, map[string]string{"1.zip": b.String(), "2.zip": "nonsense", "3.zip": formats(t)["zip"].encode([]item{{Name: "a"}})})
	source, err := fileconn.FolderRows(in.dir, formats(t)["zip"].decoder, fileconn.FolderConfig{
		Store: in.store, Atomic: true, UntilEmpty: true, Archive: "done", Quarantine: "bad",
	})
	do(t, err)
	rows, err := consume(t, source)
	if err != nil || len(rows) != 3 || !strings.Contains(rows[0].Err.Error(), "leads out") || !strings.Contains(rows[1].Err.Error(), "no zip") || rows[2].Err != nil {
		t.Errorf("%+v %v", rows, err)
	}
	if left := in.tree(); left["bad/1.zip"] == "" || left["bad/2.zip"] == "" || left["done/3.zip"] == "" {
		t.Errorf("left %d files", len(left))
	}
}
