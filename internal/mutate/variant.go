package main

import (
	"fmt"
	"go/ast"
	"path/filepath"
	"slices"
	"strings"
)

// variant is a changed copy of a function. Number 1 and up are faults; unchanged is a
// copy without a change.
type variant struct {
	number int
	name   string // of the fault, for the compiler's messages
	edit   edit
}

const (
	// unchanged is the number of the control in which every function runs as a copy.
	unchanged = -1
	// noting is the number of a run in which every function notes that it was called.
	noting = -2
)

// withVariants returns the text of the file in which each function of the map chooses, by
// the active number, between itself and its copies.
func (s *source) withVariants(root string, all map[*ast.FuncDecl][]variant) string {
	var edits []edit
	var copies strings.Builder
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || len(all[f]) == 0 {
			continue
		}
		edits = append(edits, s.dispatch(f, all[f])...)
		fmt.Fprintf(&copies, "\n//line %s:1\n%s\n", filepath.Join(root, s.path), s.copyOf(f, copyName(f, unchanged)))
		for _, v := range all[f] {
			// The compiler names the fault in its messages, and stack traces stay in the package.
			at := filepath.Join(root, filepath.Dir(s.path), "fault-"+v.name+".go")
			fmt.Fprintf(&copies, "\n//line %s:1\n%s\n", at, s.copyOf(f, copyName(f, v.number), v.edit))
		}
	}

	return s.apply(0, len(s.text), edits...) + copies.String()
}

func copyName(f *ast.FuncDecl, number int) string {
	if number == unchanged {
		return f.Name.Name + "__copy"
	}

	return fmt.Sprintf("%s__fault%d", f.Name.Name, number)
}

// copyOf returns the function under another name.
func (s *source) copyOf(f *ast.FuncDecl, name string, edits ...edit) string {
	rename := edit{from: s.offset(f.Name.Pos()), to: s.offset(f.Name.End()), text: name}

	return s.apply(s.offset(f.Pos()), s.offset(f.End()), append([]edit{rename}, edits...)...)
}

// dispatch names everything that the function is given, and puts the choice before its
// body.
func (s *source) dispatch(f *ast.FuncDecl, variants []variant) []edit {
	var edits []edit
	receiver := ""
	if f.Recv != nil {
		names, more := s.nameAll(f.Recv, "mutateReceiver")
		receiver, edits = names[0]+".", more
	}
	args, more := s.nameAll(f.Type.Params, "mutateParam")
	edits = append(edits, more...)
	call := typeArguments(f) + "(" + strings.Join(args, ", ") + ")"
	var b strings.Builder
	fmt.Fprintf(&b, " switch %s {\ncase %d: %s(%q)", activeVariable, noting, noteFunction, s.path+" "+s.functionName(f))
	for _, number := range numbers(variants) {
		fmt.Fprintf(&b, "\ncase %d: ", number)
		if f.Type.Results == nil {
			fmt.Fprintf(&b, "%s%s%s; return", receiver, copyName(f, number), call)
		} else {
			fmt.Fprintf(&b, "return %s%s%s", receiver, copyName(f, number), call)
		}
	}
	b.WriteString("\n}\n")
	body := s.offset(f.Body.Lbrace) + 1

	return append(edits, edit{from: body, to: body, text: b.String()})
}

func numbers(variants []variant) []int {
	all := []int{unchanged}
	for _, v := range variants {
		all = append(all, v.number)
	}

	return all
}

// nameAll returns how to pass the parameters on, and the edits that name those without.
func (s *source) nameAll(fields *ast.FieldList, prefix string) (names []string, edits []edit) {
	for _, field := range fields.List {
		rest := ""
		if _, variadic := field.Type.(*ast.Ellipsis); variadic {
			rest = "..."
		}
		if len(field.Names) == 0 {
			name := fmt.Sprint(prefix, len(names))
			at := s.offset(field.Type.Pos())
			names, edits = append(names, name+rest), append(edits, edit{from: at, to: at, text: name + " "})
		}
		for _, ident := range field.Names {
			name := ident.Name
			if name == "_" {
				name = fmt.Sprint(prefix, len(names))
				edits = append(edits, edit{from: s.offset(ident.Pos()), to: s.offset(ident.End()), text: name})
			}
			names = append(names, name+rest)
		}
	}

	return names, slices.Clip(edits)
}

func typeArguments(f *ast.FuncDecl) string {
	if f.Type.TypeParams == nil {
		return ""
	}
	var names []string
	for _, field := range f.Type.TypeParams.List {
		for _, ident := range field.Names {
			names = append(names, ident.Name)
		}
	}

	return "[" + strings.Join(names, ", ") + "]"
}

const (
	activeVariable    = "mutateActive"
	activeEnvironment = "MILLRACE_FAULT"
	noteFunction      = "mutateNote"
	noteEnvironment   = "MILLRACE_NOTES"
)

// activeFile declares the variable that chooses, and the function that notes calls in a file.
func activeFile(pkg string) string {
	return fmt.Sprintf(`package %s

import (
	"errors"
	"os"
	"strconv"
	"sync"
)

var %s, _ = strconv.Atoi(os.Getenv(%q))

var mutateNoted sync.Map

func %s(function string) {
	if _, known := mutateNoted.LoadOrStore(function, true); known {
		return
	}
	f, err := os.OpenFile(os.Getenv(%q), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(function + "\n")
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		panic(err)
	}
}
`, pkg, activeVariable, activeEnvironment, noteFunction, noteEnvironment)
}
