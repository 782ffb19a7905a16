package flow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace-go/millrace/connector"
)

// Graph is a pipeline as data: what documentation, diagrams and comparisons are made of.
type Graph struct {
	Flow   string      `json:"flow"`
	Stages []StageInfo `json:"stages"`
	Edges  []Edge      `json:"edges"`
}

// StageInfo is one stage of a Graph.
type StageInfo struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	// In and Out are the types of the messages.
	In  string `json:"in"`
	Out string `json:"out"`
	// At is the file and line that defined the stage.
	At       string   `json:"at"`
	Endpoint string   `json:"endpoint,omitempty"`
	Options  []Option `json:"options,omitempty"`
	// Fails says that the stage has a function or an endpoint that can fail.
	Fails bool `json:"fails,omitzero"`
	// Inside names the parallel stage whose body this one belongs to.
	Inside string `json:"inside,omitempty"`
}

// Edge leads from one stage to the next.
type Edge struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Graph describes the pipeline. It does not have to run, nor to be without problems.
func (p *Pipeline) Graph() Graph {
	g := Graph{Flow: p.name}
	for _, n := range p.plan.nodes {
		info := StageInfo{
			Name: p.plan.names[n], Kind: n.kind, In: n.in.name(), Out: n.out.name(), At: n.at.String(),
			Endpoint: connector.Describe(n.endpoint).Name, Options: slices.Clone(n.options), Fails: n.traits.has(fails),
		}
		if in := p.plan.inside[n]; in != nil {
			info.Inside = p.plan.names[in]
		}
		g.Stages = append(g.Stages, info)
		for _, up := range n.ups {
			if up = p.plan.real(up); up != nil {
				g.Edges = append(g.Edges, Edge{From: p.plan.names[p.plan.exit(up)], To: p.plan.names[n]})
			}
		}
		if body := p.plan.real(n.body); len(p.plan.consumers[body]) > 0 {
			g.Edges = append(g.Edges, Edge{From: p.plan.names[n], To: p.plan.names[body]})
		}
	}

	return g
}

// Mermaid returns the graph as a Mermaid flowchart.
func (g Graph) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	g.draw("", "  ", drawing{
		stage: func(i int, indent string) {
			s := g.Stages[i]
			open, shut := shape(s.Kind)
			fmt.Fprintf(&b, "%ss%d%s\"%s\"%s\n", indent, i, open, s.text("<br/>", mermaidText), shut)
		},
		open: func(i int, indent string) {
			fmt.Fprintf(&b, "%ssubgraph g%d[\"%s\"]\n", indent, i, mermaidText(g.Stages[i].Name))
		},
		shut: func(indent string) { fmt.Fprintf(&b, "%send\n", indent) },
	})
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "  s%d --> s%d\n", g.index(e.From), g.index(e.To))
	}

	return b.String()
}

// drawing writes the parts of a diagram: a stage, and the frame round a body.
type drawing struct {
	stage func(i int, indent string)
	open  func(i int, indent string)
	shut  func(indent string)
}

// draw draws the stages that are inside the named one, and what is inside these.
func (g Graph) draw(inside, indent string, d drawing) {
	for i, s := range g.Stages {
		if s.Inside != inside {
			continue
		}
		d.stage(i, indent)
		if slices.ContainsFunc(g.Stages, func(m StageInfo) bool { return m.Inside == s.Name }) {
			d.open(i, indent)
			g.draw(s.Name, indent+"  ", d)
			d.shut(indent)
		}
	}
}

// shape gives sources and ends round brackets.
func shape(kind string) (open, shut string) {
	switch kind {
	case "from", "to", "for-each":
		return "([", "])"
	case "route":
		return "{", "}"
	default:
		return "[", "]"
	}
}

// mermaidText writes characters that mean something to Mermaid or to HTML as entities.
func mermaidText(s string) string {
	return strings.NewReplacer(`"`, "#quot;", "&", "#amp;", "#", "#35;", "<", "#lt;", ">", "#gt;", "\n", " ", "\r", " ").Replace(s)
}

// DOT returns the graph in the language of Graphviz.
func (g Graph) DOT() string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %s {\n  rankdir=LR\n  node [shape=box]\n", dotText(g.Flow))
	g.draw("", "  ", drawing{
		stage: func(i int, indent string) {
			text := g.Stages[i].text("\n", func(s string) string { return s })
			fmt.Fprintf(&b, "%ss%d [label=%s]\n", indent, i, dotText(text))
		},
		open: func(i int, indent string) {
			fmt.Fprintf(&b, "%ssubgraph cluster%d {\n%s  label=%s\n", indent, i, indent, dotText(g.Stages[i].Name))
		},
		shut: func(indent string) { fmt.Fprintf(&b, "%s}\n", indent) },
	})
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "  s%d -> s%d\n", g.index(e.From), g.index(e.To))
	}
	b.WriteString("}\n")

	return b.String()
}

// dotText quotes a string as the DOT language does: only the quotation mark is escaped,
// and a backslash begins an escape of a label.
func dotText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// text is what a diagram shows of a stage.
func (s StageInfo) text(newline string, escape func(string) string) string {
	lines := []string{s.Name}
	if s.Name != s.Kind {
		lines[0] += " (" + s.Kind + ")"
	}
	if s.Endpoint != "" {
		lines = append(lines, s.Endpoint)
	}
	for _, o := range s.Options {
		lines = append(lines, o.Name+" "+o.Value)
	}
	for i := range lines {
		lines[i] = escape(lines[i])
	}

	return strings.Join(lines, newline)
}

func (g Graph) index(name string) int {
	return slices.IndexFunc(g.Stages, func(s StageInfo) bool { return s.Name == name })
}
