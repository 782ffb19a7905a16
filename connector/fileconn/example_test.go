package fileconn_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/flow"
	"github.com/millrace-go/millrace/transform"
)

// inDir runs an example in a directory of its own.
func inDir(example func(dir string) error) {
	dir, err := os.MkdirTemp("", "fileconn")
	if err != nil {
		fmt.Println(err)

		return
	}
	defer os.RemoveAll(dir)
	if err := example(dir); err != nil {
		fmt.Println(err)
	}
}

// show prints the messages of a source.
func show[T any](source connector.Source[T]) error {
	ctx := context.Background()
	reader, err := source.Open(ctx)
	if err != nil {
		return err
	}
	defer reader.Close()
	for {
		messages, err := reader.Read(ctx, 100)
		for _, m := range messages {
			fmt.Println(m.ID(), m.Value)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func ExampleFolder() {
	inDir(func(dir string) error {
		if err := os.WriteFile(filepath.Join(dir, "monday.csv"), []byte("name,count\nbolt,7\nnut,3\n"), 0o600); err != nil {
			return err
		}
		files, err := fileconn.OpenDir(dir)
		if err != nil {
			return err
		}
		defer files.Close()
		format, err := transform.NewCSV[item](transform.CSVConfig{})
		if err != nil {
			return err
		}
		orders, err := fileconn.Folder(files, format, fileconn.FolderConfig{
			Store:      memory.NewStore(), // boltstore keeps what is done over a restart
			Name:       "inbox",
			Include:    []string{"*.csv"},
			Atomic:     true,
			Archive:    "done",
			UntilEmpty: true,
		})
		if err != nil {
			return err
		}
		pipeline := flow.New("orders", flow.From(orders).ForEach(func(_ context.Context, o item) error {
			fmt.Println(o.Name, o.Count)

			return nil
		}))
		if err := pipeline.Run(context.Background()); err != nil {
			return err
		}
		_, err = os.Stat(filepath.Join(dir, "done", "monday.csv"))
		fmt.Println("archived:", err == nil)

		return nil
	})
	// Output:
	// bolt 7
	// nut 3
	// archived: true
}

func ExampleFolderRows() {
	inDir(func(dir string) error {
		err := errors.Join(
			os.WriteFile(filepath.Join(dir, "1.csv"), []byte("name,count\nbolt,7\nnut,many\n"), 0o600),
			os.WriteFile(filepath.Join(dir, "2.csv"), []byte("an invoice by mistake\n"), 0o600))
		if err != nil {
			return err
		}
		files, err := fileconn.OpenDir(dir)
		if err != nil {
			return err
		}
		defer files.Close()
		format, err := transform.NewCSV[item](transform.CSVConfig{})
		if err != nil {
			return err
		}
		rows, err := fileconn.FolderRows(files, format, fileconn.FolderConfig{
			Store: memory.NewStore(), Atomic: true, UntilEmpty: true, Archive: "done", Quarantine: "bad",
		})
		if err != nil {
			return err
		}
		rejected := memory.NewSink[connector.DeadLetter[transform.Row[item]]]()
		pipeline := flow.New("orders", flow.From(rows).
			DeadLetter(rejected).
			Validate(func(r transform.Row[item]) error { return r.Err }).
			ForEach(func(_ context.Context, r transform.Row[item]) error {
				fmt.Println(r.Value.Name, r.Value.Count)

				return nil
			}))
		if err := pipeline.Run(context.Background()); err != nil {
			return err
		}
		for _, letter := range rejected.Values() {
			fmt.Printf("rejected line %d: %q\n", letter.Value.Line, letter.Value.Raw)
		}
		bad, err := os.ReadDir(filepath.Join(dir, "bad"))
		fmt.Println("in quarantine:", len(bad), bad[0].Name())

		return err
	})
	// Output:
	// bolt 7
	// rejected line 3: "nut,many"
	// rejected line 1: ""
	// in quarantine: 1 2.csv
}

func ExampleCSV() {
	inDir(func(dir string) error {
		path := filepath.Join(dir, "orders.csv")
		if err := os.WriteFile(path, []byte("name,count\nbolt,7\nnut,many\n"), 0o600); err != nil {
			return err
		}
		source, err := fileconn.CSV[item](fileconn.SourceConfig{Paths: []string{path}, Name: "orders"}, transform.CSVConfig{})
		if err != nil {
			return err
		}
		if bad, ok := errors.AsType[*transform.RowError](show(source)); ok {
			fmt.Println("stopped at", bad)
		}

		return nil
	})
	// Output:
	// orders:2 {bolt 7}
	// stopped at line 3, byte 18, column "count": "many" is not a whole number of type int: invalid syntax
}

func ExampleCSVRows() {
	inDir(func(dir string) error {
		path := filepath.Join(dir, "orders.csv")
		if err := os.WriteFile(path, []byte("name,count\nbolt,7\nnut\nscrew,9\n"), 0o600); err != nil {
			return err
		}
		source, err := fileconn.CSVRows[item](fileconn.SourceConfig{Paths: []string{path}}, transform.CSVConfig{})
		if err != nil {
			return err
		}
		reader, err := source.Open(context.Background())
		if err != nil {
			return err
		}
		defer reader.Close()
		rows, err := reader.Read(context.Background(), 100)
		for _, m := range rows {
			fmt.Printf("%d %q bad: %t\n", m.Value.Line, m.Value.Raw, m.Value.Err != nil)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}

		return err
	})
	// Output:
	// 2 "bolt,7" bad: false
	// 3 "nut" bad: true
	// 4 "screw,9" bad: false
}

func ExampleNDJSON() {
	inDir(func(dir string) error {
		path := filepath.Join(dir, "orders.ndjson")
		if err := os.WriteFile(path, []byte(`{"name":"bolt","count":7}`), 0o600); err != nil {
			return err
		}
		source, err := fileconn.NDJSON[item](fileconn.SourceConfig{Paths: []string{path}, Name: "orders"}, transform.NDJSONConfig{})
		if err != nil {
			return err
		}

		return show(source)
	})
	// Output: orders:1 {bolt 7}
}

func ExampleNDJSONRows() {
	inDir(func(dir string) error {
		path := filepath.Join(dir, "orders.ndjson")
		if err := os.WriteFile(path, []byte("{\"name\":\"bolt\"}\n{\n"), 0o600); err != nil {
			return err
		}
		source, err := fileconn.NDJSONRows[item](fileconn.SourceConfig{Paths: []string{path}}, transform.NDJSONConfig{})
		if err != nil {
			return err
		}
		reader, err := source.Open(context.Background())
		if err != nil {
			return err
		}
		defer reader.Close()
		rows, err := reader.Read(context.Background(), 100)
		for _, m := range rows {
			fmt.Printf("%q bad: %t\n", m.Value.Raw, m.Value.Err != nil)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}

		return err
	})
	// Output:
	// "{\"name\":\"bolt\"}" bad: false
	// "{" bad: true
}

func ExampleLines() {
	inDir(func(dir string) error {
		path := filepath.Join(dir, "app.log")
		if err := os.WriteFile(path, []byte("started\nstopped\n"), 0o600); err != nil {
			return err
		}
		source, err := fileconn.Lines(fileconn.SourceConfig{Paths: []string{path}, Name: "log"}, transform.LinesConfig{})
		if err != nil {
			return err
		}

		return show(source)
	})
	// Output:
	// log:1 started
	// log:2 stopped
}

func ExampleLinesRows() {
	inDir(func(dir string) error {
		path := filepath.Join(dir, "app.log")
		if err := os.WriteFile(path, []byte("started\nstopped\n"), 0o600); err != nil {
			return err
		}
		source, err := fileconn.LinesRows(fileconn.SourceConfig{Paths: []string{path}, Name: "log"}, transform.LinesConfig{MaxLine: 4})
		if err != nil {
			return err
		}

		return show(source)
	})
	// Output:
	// log:1 { line 1, byte 0: connector: line of 5 bytes is over the limit of 4 star 1 0}
	// log:2 { line 2, byte 8: connector: line of 5 bytes is over the limit of 4 stop 2 8}
}

func ExampleNewNDJSONSink() {
	inDir(func(dir string) error {
		path := filepath.Join(dir, "orders.ndjson")
		sink, err := fileconn.NewNDJSONSink[item](
			fileconn.SinkConfig{Path: path, Mode: fileconn.Parts, PartRecords: 2}, transform.NDJSONConfig{})
		if err != nil {
			return err
		}
		var batch []connector.Message[item]
		for i, name := range []string{"bolt", "nut", "screw"} {
			batch = append(batch, connector.NewMessage(item{name, i}, connector.Fields{}))
		}
		if err := errors.Join(sink.Write(context.Background(), batch), sink.Close()); err != nil {
			return err
		}

		return list(dir)
	})
	// Output:
	// orders.part-000001.ndjson: "{\"name\":\"bolt\",\"count\":0}\n{\"name\":\"nut\",\"count\":1}\n"
	// orders.part-000002.ndjson: "{\"name\":\"screw\",\"count\":2}\n"
}

func ExampleNewCSVSink() {
	inDir(func(dir string) error {
		sink, err := fileconn.NewCSVSink[item](
			fileconn.SinkConfig{Path: filepath.Join(dir, "orders.csv")}, transform.CSVConfig{Delimiter: ';'})
		if err != nil {
			return err
		}
		batch := []connector.Message[item]{connector.NewMessage(item{"bolt", 7}, connector.Fields{})}
		if err := sink.Write(context.Background(), batch); err != nil {
			return err
		}
		if err := errors.Join(sink.Flush(context.Background()), sink.Close()); err != nil {
			return err
		}

		return list(dir)
	})
	// Output: orders.csv: "name;count\nbolt;7\n"
}

func ExampleNewLinesSink() {
	inDir(func(dir string) error {
		sink, err := fileconn.NewLinesSink(
			fileconn.SinkConfig{Path: filepath.Join(dir, "audit.log"), Mode: fileconn.Append}, transform.LinesConfig{})
		if err != nil {
			return err
		}
		batch := []connector.Message[string]{connector.NewMessage("signed in", connector.Fields{})}
		if err := errors.Join(sink.Write(context.Background(), batch), sink.Close()); err != nil {
			return err
		}

		return list(dir)
	})
	// Output: audit.log: "signed in\n"
}

// list prints the files that a sink made.
func list(dir string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "[^.]*"))
	for _, path := range paths {
		text, readErr := os.ReadFile(path)
		if readErr != nil {
			return readErr
		}
		fmt.Printf("%s: %q\n", filepath.Base(path), text)
	}

	return err
}
