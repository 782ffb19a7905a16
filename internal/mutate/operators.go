package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// change is one small change of an operator or a statement.
type change struct {
	edit

	function string
	line     int
	// what says what stands there and what takes its place.
	what string
	// nth counts those of a function that read the same, from 1.
	nth int
}

// swaps are the operators that take each other's place.
var swaps = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.LAND: token.LOR, token.LOR: token.LAND, token.EQL: token.NEQ, token.NEQ: token.EQL,
}

// changes lists every change of the functions of a file.
func (s *source) changes() []change {
	var all []change
	seen := make(map[string]int)
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			for _, e := range s.changesOf(n) {
				c := change{
					edit: e, function: s.functionName(f), line: s.fset.Position(n.Pos()).Line,
					what: oneLine(string(s.text[e.from:e.to])) + "  =>  " + oneLine(e.text),
				}
				seen[c.id()]++
				c.nth = seen[c.id()]
				all = append(all, c)
			}

			return true
		})
	}

	return all
}

func (s *source) functionName(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	receiver := s.nodeText(f.Recv.List[0].Type)
	receiver, _, _ = strings.Cut(strings.TrimPrefix(receiver, "*"), "[")

	return receiver + "." + f.Name.Name
}

func (s *source) nodeText(n ast.Node) string {
	return string(s.text[s.offset(n.Pos()):s.offset(n.End())])
}

// oneLine shortens a piece of code for a report.
func oneLine(code string) string {
	const most = 90
	code = strings.Join(strings.Fields(code), " ")
	if len(code) > most {
		code = code[:most] + "…"
	}
	if code == "" {
		return "nothing"
	}

	return code
}

// changesOf lists the changes of one node: conditions negated, comparisons shifted by one,
// and and or swapped, steps turned round, statements left out, errors forgotten.
func (s *source) changesOf(n ast.Node) []edit {
	replace := func(n ast.Node, text string) []edit {
		return []edit{{from: s.offset(n.Pos()), to: s.offset(n.End()), text: text}}
	}
	switch n := n.(type) {
	case *ast.IfStmt:
		return replace(n.Cond, "!("+s.nodeText(n.Cond)+")")
	case *ast.BinaryExpr:
		return s.binaryChanges(n)
	case *ast.IncDecStmt:
		step := map[token.Token]string{token.INC: "--", token.DEC: "++"}[n.Tok]

		return append(replace(n, s.nodeText(n.X)+step), replace(n, "")...)
	case *ast.ExprStmt:
		return replace(n, "")
	case *ast.DeferStmt:
		return replace(n, "")
	case *ast.SendStmt:
		return replace(n, "")
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return replace(n, "")
		}
	case *ast.ReturnStmt:
		return s.returnChanges(n)
	case *ast.BranchStmt:
		if n.Tok == token.CONTINUE && n.Label == nil {
			return replace(n, "")
		}
	}

	return nil
}

func (s *source) binaryChanges(n *ast.BinaryExpr) []edit {
	at := s.offset(n.OpPos)
	operator := func(op token.Token) edit { return edit{from: at, to: at + len(n.Op.String()), text: op.String()} }
	if swap, ok := swaps[n.Op]; ok {
		return []edit{operator(swap)}
	}
	if literal, ok := n.Y.(*ast.BasicLit); ok && literal.Kind == token.INT {
		switch n.Op {
		case token.ADD:
			return []edit{operator(token.SUB)}
		case token.SUB:
			return []edit{operator(token.ADD)}
		}
	}

	return nil
}

func (s *source) returnChanges(n *ast.ReturnStmt) []edit {
	var edits []edit
	for _, result := range n.Results {
		ident, ok := result.(*ast.Ident)
		if !ok {
			continue
		}
		other := map[string]string{"err": "nil", "true": "false", "false": "true", "errHeld": "nil"}[ident.Name]
		if other != "" {
			edits = append(edits, edit{from: s.offset(ident.Pos()), to: s.offset(ident.End()), text: other})
		}
	}

	return edits
}

// id tells a change from every other one of its file, and stays the same when lines move.
func (c change) id() string {
	id := fmt.Sprintf("%s: %s", c.function, c.what)
	if c.nth > 1 {
		id += fmt.Sprintf(" (%d)", c.nth)
	}

	return id
}
