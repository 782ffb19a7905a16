package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
)

// source is one production file that faults change.
type source struct {
	path string // from the root of the module
	text []byte
	file *ast.File
	fset *token.FileSet
}

func readSource(root, path string) (*source, error) {
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return nil, fmt.Errorf("read the file to change: %w", err)
	}

	return parseSource(path, text)
}

func parseSource(path string, text []byte) (*source, error) {
	s := &source{path: path, text: text, fset: token.NewFileSet()}
	var err error
	if s.file, err = parser.ParseFile(s.fset, path, text, parser.SkipObjectResolution); err != nil {
		return nil, fmt.Errorf("parse %s: %w", path, err)
	}

	return s, nil
}

// edit puts text in place of what stands from one offset to another.
type edit struct {
	from, to int
	text     string
}

var (
	errNotFound = errors.New("the old text does not occur")
	errTwice    = errors.New("the old text occurs more than once")
)

// find makes an edit of a replacement.
func (s *source) find(old, changed string) (edit, error) {
	at := bytes.Index(s.text, []byte(old))
	switch {
	case at < 0:
		return edit{}, errNotFound
	case bytes.Contains(s.text[at+1:], []byte(old)):
		return edit{}, errTwice
	}

	return edit{from: at, to: at + len(old), text: changed}, nil
}

// offset converts a position of the syntax tree.
func (s *source) offset(p token.Pos) int { return s.fset.Position(p).Offset }

// around returns the function whose body holds the edit, or nil.
func (s *source) around(e edit) *ast.FuncDecl {
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if ok && f.Body != nil && s.offset(f.Body.Lbrace) < e.from && e.to <= s.offset(f.Body.Rbrace) {
			return f
		}
	}

	return nil
}

// apply returns part of the text with edits, which ascend and do not overlap.
func (s *source) apply(from, to int, edits ...edit) string {
	var b bytes.Buffer
	for _, e := range edits {
		b.Write(s.text[from:e.from])
		b.WriteString(e.text)
		from = e.to
	}
	b.Write(s.text[from:to])

	return b.String()
}
