package connector_test

import (
	"fmt"
	"testing"

	"github.com/millrace-go/millrace/connector"
)

func TestGradeOf(t *testing.T) {
	type caps = connector.Capabilities
	tests := map[string]struct {
		source, sink caps
		want         connector.Grade
	}{
		"nothing is declared":                   {caps{}, caps{}, connector.AtMostOnce},
		"the source forgets":                    {caps{Returns: true}, caps{Durable: true, Idempotent: true, Transactional: true}, connector.AtMostOnce},
		"the sink forgets":                      {caps{Durable: true}, caps{Idempotent: true, Transactional: true}, connector.AtMostOnce},
		"both keep":                             {caps{Durable: true}, caps{Durable: true}, connector.AtLeastOnce},
		"the sender sends again":                {caps{Answers: true}, caps{Durable: true}, connector.AtLeastOnce},
		"keys":                                  {caps{Durable: true}, caps{Durable: true, Idempotent: true}, connector.EffectivelyOnce},
		"keys, and a sender that sends again":   {caps{Answers: true}, caps{Durable: true, Idempotent: true}, connector.EffectivelyOnce},
		"positions in a transaction":            {caps{Durable: true}, caps{Durable: true, Transactional: true}, connector.ExactlyOnce},
		"positions and keys":                    {caps{Durable: true}, caps{Durable: true, Transactional: true, Idempotent: true}, connector.ExactlyOnce},
		"a sender gives no position again":      {caps{Answers: true}, caps{Durable: true, Transactional: true}, connector.AtLeastOnce},
		"keys help where positions are no help": {caps{Answers: true}, caps{Durable: true, Transactional: true, Idempotent: true}, connector.EffectivelyOnce},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			if got := connector.GradeOf(c.source, c.sink); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
	if got := connector.Grade(9).String(); got != "grade(9)" {
		t.Error(got)
	}
}

func ExampleGradeOf() {
	file := connector.Capabilities{Durable: true}                    // is read from its start again
	table := connector.Capabilities{Durable: true, Idempotent: true} // replaces the row of a key
	fmt.Println(connector.GradeOf(file, table))
	// Output: effectively once
}
