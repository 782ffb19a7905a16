package transform_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/millrace-go/millrace/transform"
)

func ExampleNewCSV() {
	type line struct {
		Invoice  string          `csv:"InvoiceNo"`
		Quantity int             `csv:"Quantity"`
		Date     time.Time       `csv:"InvoiceDate" layout:"2/1/2006 15:04"`
		Price    transform.Money `csv:"UnitPrice"`
	}
	format, err := transform.NewCSV[line](transform.CSVConfig{Delimiter: ';', DecimalComma: true})
	if err != nil {
		fmt.Println(err)

		return
	}
	reader := format.NewReader(strings.NewReader(
		"InvoiceNo;Quantity;InvoiceDate;UnitPrice\n536365;6;1/12/2010 08:26;2,55\n536366;six;1/12/2010 08:28;1,85\n"))
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Println("cannot go on:", err)

			return
		}
		if row.Err != nil {
			fmt.Println("bad row:", row.Err)

			continue
		}
		fmt.Println(row.Value.Invoice, row.Value.Date.Format(time.DateTime), row.Value.Price)
	}
	// Output:
	// 536365 2010-12-01 08:26:00 2.55
	// bad row: line 3, byte 71, column "Quantity": "six" is not a whole number of type int: invalid syntax
}

func ExampleNewWriter() {
	type item struct {
		Name  string          `csv:"name"`
		Price transform.Money `csv:"price"`
	}
	format, err := transform.NewCSV[item](transform.CSVConfig{})
	if err != nil {
		fmt.Println(err)

		return
	}
	price, err := transform.NewMoney(12, 5000)
	if err != nil {
		fmt.Println(err)

		return
	}
	writer := transform.NewWriter(os.Stdout, format)
	if err := errors.Join(writer.Write(item{"nut, bolt", price}), writer.Flush()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// name,price
	// "nut, bolt",12.50
}

func ExampleJSON() {
	type item struct {
		Name string `json:"name"`
	}
	codec := transform.JSON[item]()
	value, err := codec.Decode([]byte(`{"name":"bolt","size":7}`))
	fmt.Println(value.Name, err)
	text, err := codec.Append(nil, value)
	fmt.Println(string(text), err)
	// Output:
	// bolt <nil>
	// {"name":"bolt"} <nil>
}

func ExampleNewJSON() {
	type item struct {
		Name string `json:"name"`
	}
	codec, err := transform.NewJSON[item](transform.JSONConfig{Strict: true})
	if err != nil {
		fmt.Println(err)

		return
	}
	_, err = codec.Decode([]byte(`{"name":"bolt","size":7}`))
	fmt.Println(err != nil)
	// Output: true
}

func ExampleNewNDJSON() {
	format, err := transform.NewNDJSON[map[string]int](transform.NDJSONConfig{})
	if err != nil {
		fmt.Println(err)

		return
	}
	row, err := format.NewReader(strings.NewReader("{\"a\":1}\n")).Read()
	fmt.Println(row.Line, row.Value, err)
	// Output: 1 map[a:1] <nil>
}

func ExampleNewLines() {
	format, err := transform.NewLines(transform.LinesConfig{})
	if err != nil {
		fmt.Println(err)

		return
	}
	text, err := format.Append(nil, "hello")
	fmt.Printf("%q %v\n", text, err)
	// Output: "hello\n" <nil>
}

func ExampleParseMoney() {
	price, err := transform.ParseMoney("2.55")
	if err != nil {
		fmt.Println(err)

		return
	}
	total, err := price.Mul(6)
	fmt.Println(total, err)
	// Output: 15.30 <nil>
}

func ExampleParseMoneyComma() {
	fmt.Println(transform.ParseMoneyComma("-2,5"))
	// Output: -2.50 <nil>
}

func ExampleNewMoney() {
	fmt.Println(transform.NewMoney(2, 5500))
	// Output: 2.55 <nil>
}

func ExampleParseTime() {
	fmt.Println(transform.ParseTime("1/12/2010", time.UTC, "2/1/2006 15:04", "2/1/2006"))
	// Output: 2010-12-01 00:00:00 +0000 UTC <nil>
}

func ExampleMoney_TenThousandths() {
	n := transform.MoneyFromTenThousandths(25_500)
	fmt.Println(n, n.TenThousandths())
	// Output: 2.55 25500
}
