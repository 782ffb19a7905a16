package postgresconn_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/postgresconn"
	"github.com/millrace-go/millrace/transform"
)

// sale is a row of the usual kinds.
type sale struct {
	ID       int64
	Customer string
	Quantity int32
	Price    transform.Money
	Paid     bool
	At       time.Time
}

const saleColumns = "id BIGINT, customer TEXT, quantity INTEGER, price NUMERIC(12, 2), paid BOOLEAN, at TIMESTAMPTZ"

const batchRows = 10_000

func sales() []connector.Message[sale] {
	values := make([]sale, batchRows)
	for i := range values {
		values[i] = sale{
			ID: int64(i), Customer: fmt.Sprintf("customer %d", i%1000), Quantity: int32(i % 100),
			Price: transform.MoneyFromTenThousandths(int64(i) * 12_300), Paid: i%2 == 0, At: time.Unix(int64(1_700_000_000+i), 0),
		}
	}

	return messages(values...)
}

// side is one of the ways that are compared, and what it took.
type side struct {
	name         string
	write        func() error
	clock, spent time.Duration
	rates, costs []float64 // of each batch: rows a second, nanoseconds of CPU a row
}

func (s *side) run(b *testing.B) {
	b.Helper()
	cpu, begun := spentCPU(b), time.Now()
	if err := s.write(); err != nil {
		b.Fatal(err)
	}
	clock, spent := time.Since(begun), spentCPU(b)-cpu
	s.clock += clock
	s.spent += spent
	s.rates = append(s.rates, batchRows/clock.Seconds())
	s.costs = append(s.costs, float64(spent.Nanoseconds())/batchRows)
}

func median(list []float64) float64 {
	slices.Sort(list)

	return list[len(list)/2]
}

// spentCPU is the time that this process has had of all processors.
func spentCPU(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}

	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkCopy writes batches of 10,000 typed structs in turn through pgx's CopyFrom, in
// the two ways in which it takes them, and through a Copy; pgx runs twice, so that A/A
// shows what the difference of two like things is on this machine. The figures are medians
// of the batches; the ratios are to CopyFromSlice.
func BenchmarkCopy(b *testing.B) {
	pool := open(b)
	list := sales()
	sides := []*side{
		{name: "pgx", write: copyWithPgx(b, pool, list)}, {name: "pgxA", write: copyWithPgx(b, pool, list)},
		{name: "copy", write: copyWithSink(b, pool, list, postgresconn.CopyConfig{})},
	}
	for _, s := range sides { // what is made once: connections, the layout
		if err := s.write(); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		for _, s := range sides {
			s.run(b)
		}
	}
	for _, s := range sides {
		b.ReportMetric(median(s.rates), s.name+"-rows/s")
		b.ReportMetric(median(s.costs), s.name+"-cpu-ns/row")
	}
	b.ReportMetric(median(sides[1].rates)/median(sides[0].rates), "A/A-rows-ratio")
	b.ReportMetric(median(sides[1].costs)/median(sides[0].costs), "A/A-cpu-ratio")
	b.ReportMetric(median(sides[2].rates)/median(sides[0].rates), "rows-ratio")
	b.ReportMetric(median(sides[2].costs)/median(sides[0].costs), "cpu-ratio")
}

// copyWithPgx is what a user of pgx writes for typed structs.
func copyWithPgx(b *testing.B, pool *pgxpool.Pool, list []connector.Message[sale]) func() error {
	name := create(b, pool, saleColumns)
	columns := []string{"id", "customer", "quantity", "price", "paid", "at"}

	return func() error {
		_, err := pool.CopyFrom(context.Background(), pgx.Identifier{name}, columns,
			pgx.CopyFromSlice(len(list), func(i int) ([]any, error) {
				v := &list[i].Value
				price := pgtype.Numeric{Exp: -4, Valid: true, Int: bigOf(v.Price)}

				return []any{v.ID, v.Customer, v.Quantity, price, v.Paid, v.At}, nil
			}))

		return err
	}
}

func copyWithSink(b *testing.B, pool *pgxpool.Pool, list []connector.Message[sale], config postgresconn.CopyConfig) func() error {
	config.Pool, config.Table = pool, create(b, pool, saleColumns)
	sink := newCopy[sale](b, config)

	return func() error { return sink.Write(context.Background(), list) }
}

// BenchmarkBadRows writes batches of which one row in a thousand breaks a constraint.
func BenchmarkBadRows(b *testing.B) {
	pool := open(b)
	for name, how := range map[string]struct{ constraint string }{
		"line":    {"CHECK (quantity >= 0)"},
		"halving": {"FOREIGN KEY (quantity) REFERENCES millrace_quantities"},
	} {
		b.Run(name, func(b *testing.B) {
			list := sales()
			for i := 500; i < len(list); i += 1000 {
				list[i].Value.Quantity = -1
			}
			table := create(b, pool, saleColumns)
			execute(b, pool, "DROP TABLE IF EXISTS millrace_quantities")
			execute(b, pool, "CREATE TABLE millrace_quantities (quantity INTEGER PRIMARY KEY)")
			execute(b, pool, "INSERT INTO millrace_quantities SELECT n FROM generate_series(0, 99) n")
			execute(b, pool, "ALTER TABLE "+table+" ADD "+how.constraint)
			sink := newCopy[sale](b, postgresconn.CopyConfig{Pool: pool, Table: table})
			begun, rows := time.Now(), 0
			for b.Loop() {
				err := sink.Write(context.Background(), list)
				if failed := countFailed(err); failed != batchRows/1000 {
					b.Fatalf("%d rows failed: %v", failed, err)
				}
				rows += len(list)
			}
			b.ReportMetric(float64(rows)/time.Since(begun).Seconds(), "rows/s")
			b.StopTimer()
			execute(b, pool, "DROP TABLE "+table+", millrace_quantities")
		})
	}
}

func countFailed(err error) int {
	partial, ok := errors.AsType[*connector.PartialError](err)
	if !ok {
		return 0
	}
	n := 0
	for _, member := range partial.Members {
		if member.Fate == connector.Failed {
			n++
		}
	}

	return n
}

func bigOf(m transform.Money) *big.Int { return big.NewInt(m.TenThousandths()) }
