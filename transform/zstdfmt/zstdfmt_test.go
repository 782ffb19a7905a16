package zstdfmt_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/transform"
	"github.com/millrace-go/millrace/transform/zstdfmt"
)

func packed(t testing.TB, text string, options ...zstd.EOption) string {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, options...)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write([]byte(text))
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}

	return b.String()
}

func format(t testing.TB, config zstdfmt.Config) transform.Decoder[string] {
	t.Helper()
	lines, err := transform.NewLines(transform.LinesConfig{})
	if err != nil {
		t.Fatal(err)
	}
	format, err := zstdfmt.New[string](lines, config)
	if err != nil {
		t.Fatal(err)
	}

	return format
}

func read(format transform.Decoder[string], text io.Reader) ([]string, error) {
	reader := format.NewReader(text)
	var lines []string
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return lines, err
		}
		lines = append(lines, row.Value)
	}
}

func TestZstd(t *testing.T) {
	whole := packed(t, "a\nb\n", zstd.WithEncoderCRC(true))
	damaged := []byte(whole)
	damaged[len(damaged)-1] ^= 1
	for _, test := range []struct {
		name, text, lines, says string
	}{
		{name: "whole", text: whole, lines: "[a b]"},
		{name: "two in a row", text: whole + packed(t, "c"), lines: "[a b c]"},
		{name: "an empty text", text: packed(t, "", zstd.WithZeroFrames(true)), lines: "[]"},
		{name: "empty", lines: "[]", says: "cut off"},
		{name: "cut off", text: whole[:len(whole)-6], lines: "[]", says: "cut off"},
		{name: "cut off in the head", text: whole[:3], lines: "[]", says: ""},
		{name: "no zstd", text: "name,count\nand more\n", lines: "[]", says: "no zstd"},
		{name: "damaged", text: string(damaged), lines: "[]", says: "damaged"},
	} {
		t.Run(test.name, func(t *testing.T) {
			lines, err := read(format(t, zstdfmt.Config{}), iotest.HalfReader(strings.NewReader(test.text)))
			if fails := test.says != "" || strings.HasPrefix(test.name, "cut off"); fmt.Sprint(lines) != test.lines || fails != (err != nil) {
				t.Fatalf("%v %v", lines, err)
			}
			if err != nil && (!strings.Contains(err.Error(), test.says) || connector.ClassOf(err) != connector.ClassPermanent) {
				t.Errorf("%v; want a permanent error with %q", err, test.says)
			}
		})
	}
}

func TestBombs(t *testing.T) {
	bomb := packed(t, strings.Repeat(strings.Repeat("0", 99)+"\n", 2_000_000))
	wide := packed(t, strings.Repeat("abcdefg\n", 1<<18), zstd.WithWindowSize(1<<20), zstd.WithSingleSegment(false))
	for _, test := range []struct {
		name, text, says string
		config           zstdfmt.Config
	}{
		{"by its ratio", bomb, "times as many", zstdfmt.Config{}},
		{"by its size", bomb, "over the limit of 5000000", zstdfmt.Config{Inflate: transform.DecompressConfig{MaxBytes: 5_000_000, MaxRatio: 1 << 30}}},
		{"by its window", wide, "window", zstdfmt.Config{MaxWindow: 64 << 10}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			lines, err := read(format(t, test.config), strings.NewReader(test.text))
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), test.says) || connector.ClassOf(err) != connector.ClassPermanent {
				t.Errorf("%v after %d lines", err, len(lines))
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 100<<20 {
				t.Errorf("%d MiB allocated before it was refused", used>>20)
			}
		})
	}
}

// Why the file itself cannot be read passes through, with its class.
func TestPassesErrorsOn(t *testing.T) {
	broken := connector.Transient(errors.New("the disk is gone"))
	whole := packed(t, strings.Repeat("a line\n", 1000))
	_, err := read(format(t, zstdfmt.Config{}), io.MultiReader(strings.NewReader(whole[:10]), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || connector.ClassOf(err) != connector.ClassTransient {
		t.Errorf("%v", err)
	}
}

func TestDefinitionFails(t *testing.T) {
	lines, err := transform.NewLines(transform.LinesConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for _, config := range []zstdfmt.Config{{MaxWindow: 1}, {MaxWindow: -1}, {Inflate: transform.DecompressConfig{MaxRatio: -1}}} {
		if _, err := zstdfmt.New[string](lines, config); err == nil {
			t.Errorf("%+v", config)
		}
	}
}

func Example() {
	lines, err := transform.NewLines(transform.LinesConfig{})
	if err != nil {
		fmt.Println(err)

		return
	}
	format, err := zstdfmt.New[string](lines, zstdfmt.Config{})
	if err != nil {
		fmt.Println(err)

		return
	}
	_, err = read(format, strings.NewReader("no zstd at all"))
	fmt.Println(connector.ClassOf(err))
	// Output: permanent
}
