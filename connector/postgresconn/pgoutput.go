package postgresconn

import (
	"fmt"
	"reflect"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/sqlfields"
)

// decoder turns the messages of pgoutput into changes. It belongs to one goroutine.
type decoder[T any] struct {
	fields    []sqlfields.Field
	localOnly bool
	types     *pgtype.Map
	relations map[uint32]*relation
	// the transaction under way
	begin  *pglogrepl.BeginMessage
	origin string
	seq    int64
}

// relation says which field each column goes into; -1 for none.
type relation struct {
	columns []*pglogrepl.RelationMessageColumn
	fields  []int
}

// captured is a change with its place in the log.
type captured[T any] struct {
	change Change[T]
	seq    int64
}

func newDecoder[T any](fields []sqlfields.Field, localOnly bool) *decoder[T] {
	return &decoder[T]{fields: fields, localOnly: localOnly, types: pgtype.NewMap(), relations: make(map[uint32]*relation)}
}

// decode reads one message. It returns a change where the message is one, and the commit
// where a transaction ends.
func (d *decoder[T]) decode(data []byte) (*captured[T], *pglogrepl.CommitMessage, error) {
	message, err := pglogrepl.Parse(data)
	if err != nil {
		return nil, nil, err
	}
	switch m := message.(type) {
	case *pglogrepl.BeginMessage:
		d.begin, d.origin, d.seq = m, "", 0
	case *pglogrepl.OriginMessage:
		d.origin = m.Name
	case *pglogrepl.RelationMessage:
		return nil, nil, d.learn(m)
	case *pglogrepl.CommitMessage:
		d.begin = nil

		return nil, m, nil
	case *pglogrepl.InsertMessage:
		return d.row(Insert, m.RelationID, nil, m.Tuple)
	case *pglogrepl.UpdateMessage:
		return d.row(Modify, m.RelationID, m.OldTuple, m.NewTuple)
	case *pglogrepl.DeleteMessage:
		return d.row(Delete, m.RelationID, m.OldTuple, nil)
	case *pglogrepl.TruncateMessage:
		return d.row(Truncate, 0, nil, nil)
	default: // types and messages of applications
	}

	return nil, nil, nil
}

// learn matches the columns of a table and the fields.
func (d *decoder[T]) learn(m *pglogrepl.RelationMessage) error {
	r := &relation{columns: m.Columns}
	found := make(map[string]bool)
	for _, column := range m.Columns {
		at := -1
		for i, f := range d.fields {
			if f.Column == column.Name {
				at = i
			}
		}
		r.fields = append(r.fields, at)
		found[column.Name] = true
	}
	for _, f := range d.fields {
		if !found[f.Column] {
			return connector.Permanent(fmt.Errorf("no column %s in table %s.%s for field %s: tag the field `sql:\"-\"`, or add the column",
				f.Column, m.Namespace, m.RelationName, f.Name))
		}
	}
	d.relations[m.RelationID] = r

	return nil
}

func (d *decoder[T]) row(op Op, id uint32, before, after *pglogrepl.TupleData) (*captured[T], *pglogrepl.CommitMessage, error) {
	if d.begin == nil {
		return nil, nil, connector.Permanent(fmt.Errorf("a %s came outside of a transaction", op))
	}
	d.seq++
	if d.localOnly && d.origin != "" {
		return nil, nil, nil
	}
	c := &captured[T]{seq: d.seq, change: Change[T]{
		Op: op, LSN: uint64(d.begin.FinalLSN), Time: d.begin.CommitTime, XID: d.begin.Xid, Origin: d.origin,
	}}
	if op == Truncate {
		return c, nil, nil
	}
	r := d.relations[id]
	if r == nil {
		return nil, nil, connector.Permanent(fmt.Errorf("a %s of relation %d, which was not described", op, id))
	}
	var err error
	if before != nil {
		if c.change.Before, _, err = d.tuple(r, before, nil, true); err != nil {
			return nil, nil, err
		}
	}
	if after != nil {
		c.change.After, c.change.Unchanged, err = d.tuple(r, after, before, false)
	}

	return c, nil, err
}

// tuple decodes a row. What was not sent is taken from the row before, if that has it. An
// old row may have its key alone; the NULLs beside it say nothing.
func (d *decoder[T]) tuple(r *relation, tuple, before *pglogrepl.TupleData, old bool) (*T, []string, error) {
	const keyFlag = 1
	value := new(T)
	row := reflect.ValueOf(value).Elem()
	var unchanged []string
	for i, column := range tuple.Columns {
		if i >= len(r.fields) || r.fields[i] < 0 {
			continue
		}
		name := r.columns[i].Name
		if column.DataType == pglogrepl.TupleDataTypeToast && before != nil && i < len(before.Columns) &&
			before.Columns[i].DataType == pglogrepl.TupleDataTypeText {
			column = before.Columns[i]
		}
		var text []byte
		switch column.DataType {
		case pglogrepl.TupleDataTypeText:
			text = column.Data
			if text == nil {
				text = []byte{}
			}
		case pglogrepl.TupleDataTypeToast:
			unchanged = append(unchanged, name)

			continue
		default:
			if old && r.columns[i].Flags&keyFlag == 0 {
				continue
			}
		}
		f := d.fields[r.fields[i]]
		if err := d.types.Scan(r.columns[i].DataType, pgtype.TextFormatCode, text, row.FieldByIndex(f.Index).Addr().Interface()); err != nil {
			return nil, nil, connector.Permanent(fmt.Errorf("column %s into field %s: %w", name, f.Name, err))
		}
	}

	return value, unchanged, nil
}
