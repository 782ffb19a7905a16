package queueconn_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/queueconn"
)

const (
	childVariable = "QUEUECONN_TEST_CHILD"
	kills         = 10
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childVariable); path != "" {
		if err := child(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// child writes and reads until it is killed, and reports each step once it is done: "w"
// and the values written, "b" before values are settled, "s" after that.
func child(path string) error {
	q, err := queueconn.Open(path, textCodec{}, queueconn.Config{MaxAttempts: 1000})
	if err != nil {
		return err
	}
	go func() {
		for i := 0; ; i++ {
			batch := messages(names(os.Getpid(), i)...)
			if i%3 == 0 { // some are for later, a few of them for much later than the kill
				later := time.Now().Add(time.Duration(i%4) * 30 * time.Millisecond)
				batch[0].Meta = batch[0].WithNotBefore(later)
			}
			if err := q.Write(context.Background(), batch); err != nil {
				panic(err)
			}
			report("w", batch)
		}
	}()
	r, err := q.Open(context.Background())
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		got, err := r.Read(context.Background(), 1+n%7)
		if err != nil {
			return err
		}
		s := delivered
		if n%5 == 0 {
			s = refused
		}
		list := make([]connector.Settlement, len(got))
		for i, m := range got {
			list[i] = s
			list[i].Position = m.Position()
		}
		if s == delivered {
			report("b", got)
		}
		if err := r.Settle(context.Background(), list); err != nil {
			return err
		}
		if s == delivered {
			report("s", got)
		}
	}
}

func names(process, batch int) []string {
	list := make([]string, 1+batch%3)
	for i := range list {
		list[i] = fmt.Sprintf("%d-%d-%d", process, batch, i)
	}

	return list
}

func report(step string, batch []connector.Message[string]) {
	line := step
	for _, m := range batch {
		line += " " + m.Value
	}
	fmt.Fprintln(os.Stdout, line) // one write, which the pipe keeps when the process dies
}

// TestSigkill kills a process that writes and reads at random moments. Nothing that was
// acknowledged may be lost, and nothing whose settlement was acknowledged may come back.
func TestSigkill(t *testing.T) {
	const seed = 1
	random := rand.New(rand.NewPCG(seed, seed))
	path := filepath.Join(t.TempDir(), "orders")
	seen := map[string]map[string]bool{"w": {}, "b": {}, "s": {}}
	for range kills {
		runChild(t, path, time.Duration(20+random.IntN(100))*time.Millisecond, seen)
	}
	q := openAt(t, path, queueconn.Config{MaxAttempts: 1000})
	left := drain(t, q)
	for value := range seen["w"] {
		if !left[value] && !seen["b"][value] {
			t.Errorf("%s was accepted and is lost (seed %d)", value, seed)
		}
	}
	for value := range seen["s"] {
		if left[value] {
			t.Errorf("%s was settled and came back (seed %d)", value, seed)
		}
	}
	if len(seen["w"]) < kills || len(seen["s"]) < kills {
		t.Errorf("only %d were written and %d settled", len(seen["w"]), len(seen["s"]))
	}
	t.Logf("%d written, %d settled, %d left after %d kills", len(seen["w"]), len(seen["s"]), len(left), kills)
}

func runChild(t *testing.T, path string, life time.Duration, seen map[string]map[string]bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childVariable+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	var timer *time.Timer
	for {
		line, err := lines.ReadString('\n')
		if err != nil { // the last line may be cut short
			if err != io.EOF {
				t.Error(err)
			}

			break
		}
		if timer == nil { // its life begins with its first step
			timer = time.AfterFunc(life, func() { _ = cmd.Process.Kill() })
		}
		step, values, _ := strings.Cut(strings.TrimSpace(line), " ")
		for value := range strings.FieldsSeq(values) {
			seen[step][value] = true
		}
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child ended by itself: %v", err)
	}
}

// drain reads what is left, each message once.
func drain(t *testing.T, q *queueconn.Queue[string]) map[string]bool {
	t.Helper()
	r := reader(t, q)
	r.(connector.Finisher).Finish()
	left := map[string]bool{}
	for {
		got, err := r.Read(t.Context(), 100)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got {
			if left[m.Value] {
				t.Errorf("%s is in the queue twice", m.Value)
			}
			left[m.Value] = true
		}
		settle(t, r, delivered, got...)
	}
	wantDepth(t, q, connector.Depth{})

	return left
}
