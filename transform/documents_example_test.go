package transform_test

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/transform"
)

// printRows prints the records of a text.
func printRows[T any](format transform.Decoder[T], text string) {
	reader := format.NewReader(strings.NewReader(text))
	for {
		row, err := reader.Read()
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			fmt.Println("stopped:", err)

			return
		case row.Err != nil:
			fmt.Println("bad:", row.Raw)
		default:
			fmt.Println(row.Line, row.Value)
		}
	}
}

func ExampleJSONArray() {
	type order struct {
		ID    string `json:"id"`
		Total int    `json:"total"`
	}
	format, err := transform.NewJSONArray[order](transform.JSONArrayConfig{})
	if err != nil {
		fmt.Println(err)

		return
	}
	printRows(format, `[{"id":"A-1","total":7}, {"id":"A-2","total":"many"}, {"id":"A-3"`)
	// Output:
	// 1 {A-1 7}
	// bad: {"id":"A-2","total":"many"}
	// stopped: line 3, byte 65: the text ends within the array; it was cut off
}

func ExampleXML() {
	type order struct {
		ID    string `xml:"id,attr"`
		Total int    `xml:"total"`
	}
	format, err := transform.NewXML[order](transform.XMLConfig{Record: "order"})
	if err != nil {
		fmt.Println(err)

		return
	}
	printRows(format, `<orders><order id="A-1"><total>7</total></order></orders>`)
	printRows(format, `<!DOCTYPE orders [<!ENTITY a "ha">]><orders/>`)
	// Output:
	// 1 {A-1 7}
	// stopped: line 1, byte 36: a DOCTYPE or another directive is refused; remove it
}

func ExampleFixed() {
	type booking struct {
		Account string          `fixed:"6"`
		Amount  transform.Money `fixed:"9"`
	}
	format, err := transform.NewFixed[booking](transform.FixedConfig{})
	if err != nil {
		fmt.Println(err)

		return
	}
	printRows(format, "A-1       12.50\nA-2        -3.00\n")
	// Output:
	// 1 {A-1 12.50}
	// bad: A-2        -3.00
}

func ExampleGzip() {
	lines, err := transform.NewLines(transform.LinesConfig{})
	if err != nil {
		fmt.Println(err)

		return
	}
	format, err := transform.Gzip[string](lines, transform.DecompressConfig{MaxBytes: 100 << 20})
	if err != nil {
		fmt.Println(err)

		return
	}
	whole := gzipped("one\ntwo\n")
	printRows(format, whole)
	printRows(format, whole[:12])
	// Output:
	// 1 one
	// 2 two
	// stopped: line 1, byte 0: read: the compressed text ends after 12 bytes; it was cut off
}

func ExampleZip() {
	format, err := transform.NewCSV[pair](transform.CSVConfig{})
	if err != nil {
		fmt.Println(err)

		return
	}
	archive, err := transform.Zip[pair](format, transform.ZipConfig{Include: []string{"*.csv"}})
	if err != nil {
		fmt.Println(err)

		return
	}
	text, err := makeZip(entry{name: "monday.csv", text: "a,b\n1,2\n"}, entry{name: "readme.txt"})
	if err != nil {
		fmt.Println(err)

		return
	}
	printRows(archive, text)
	// Output:
	// 2 {1 2}
}

func ExampleEncode() {
	format, err := transform.NewJSONArray[string](transform.JSONArrayConfig{})
	if err != nil {
		fmt.Println(err)

		return
	}
	text, bad, err := transform.Encode[string](format, []string{"one", "\xff", "two"})
	fmt.Printf("%s%d cannot be encoded: %s, %v\n", text, len(bad), connector.ClassOf(bad[1]), err)
	// Output:
	// [
	// "one",
	// "two"
	// ]
	// 1 cannot be encoded: permanent, <nil>
}
