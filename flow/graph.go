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
			Name: p.plan.names[n], Kind: n.kind, In: n.in.String(), Out: n.out.String(), At: n.at,
			Endpoint: connector.Describe(n.endpoint).Name, Options: slices.Clone(n.options),
		}
		if in := p.plan.inside[n]; in != nil {
			info.Inside = p.plan.names[in]
		}
		g.Stages = append(g.Stages, info)
		for _, up := range n.ups {
			if up = p.plan.real(up); up != nil {
				g.Edges = append(g.Edges, Edge{From: p.plan.names[up], To: p.plan.names[n]})
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
	for i, s := range g.Stages {
		open, shut := shape(s.Kind)
		fmt.Fprintf(&b, "  s%d%s\"%s\"%s\n", i, open, mermaidText(s.text("<br/>")), shut)
	}
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "  s%d --> s%d\n", g.index(e.From), g.index(e.To))
	}

	return b.String()
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

func mermaidText(s string) string {
	return strings.NewReplacer(`"`, "#quot;", "&", "#amp;").Replace(s)
}

// DOT returns the graph in the language of Graphviz.
func (g Graph) DOT() string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %q {\n  rankdir=LR\n  node [shape=box]\n", g.Flow)
	for i, s := range g.Stages {
		fmt.Fprintf(&b, "  s%d [label=%q]\n", i, s.text("\n"))
	}
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "  s%d -> s%d\n", g.index(e.From), g.index(e.To))
	}
	b.WriteString("}\n")

	return b.String()
}

// text is what a diagram shows of a stage.
func (s StageInfo) text(newline string) string {
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

	return strings.Join(lines, newline)
}

func (g Graph) index(name string) int {
	return slices.IndexFunc(g.Stages, func(s StageInfo) bool { return s.Name == name })
}
