package main

import (
	"path/filepath"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/transform"
)

// partner is one of the two companies that send orders, and how it writes its file.
type partner struct {
	name   string
	file   string
	format transform.CSVConfig
}

// partners are all of them. Both files begin with a byte order mark; A has plain dates,
// B the time of day as well.
func partners() []partner {
	return []partner{
		{name: "a", file: "partner_a.csv", format: transform.CSVConfig{Delimiter: ','}},
		{name: "b", file: "partner_b.csv", format: transform.CSVConfig{Delimiter: ';', DecimalComma: true}},
	}
}

// source reads the partner's file in dir. Lines are named by the file's name alone, so
// that a directory that moves does not make them other lines.
func (p partner) source(dir string) (connector.Source[transform.Row[Record]], error) {
	return fileconn.CSVRows[Record](
		fileconn.SourceConfig{Paths: []string{filepath.Join(dir, p.file)}, Name: p.file}, p.format)
}
