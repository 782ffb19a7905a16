package queueconn

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/internal/boltfile"
)

// FuzzDecodeFields checks that no bytes make the decoder of messages panic, and that what
// it reads can be stored and read again.
func FuzzDecodeFields(f *testing.F) {
	for _, fields := range []connector.Fields{
		{},
		{ID: "id", Key: "key", Time: time.Unix(1, 2).UTC(), Headers: map[string]string{"a": "b", "": ""}},
	} {
		data, err := encodeFields(fields)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(append(data[recordHead:], "body"...))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		fields, body, err := decodeFields(seal(append(newRecord(0), content...)))
		if err != nil {
			return
		}
		data, err := encodeFields(fields)
		if err != nil {
			t.Fatal(err)
		}
		again, rest, err := decodeFields(seal(append(data, body...)))
		same := again.Time.Equal(fields.Time)
		again.Time = fields.Time // whose zone is a pointer
		if err != nil || !same || !reflect.DeepEqual(again, fields) || string(rest) != string(body) {
			t.Errorf("%+v became %+v, %v", fields, again, err)
		}
	})
}

// FuzzDecodeRecords does the same for the small records.
func FuzzDecodeRecords(f *testing.F) {
	f.Add([]byte("\x01\x02\x03\x04text"))
	f.Fuzz(func(t *testing.T, content []byte) {
		data := seal(append(newRecord(0), content...))
		if c, err := decodeCounts(data); err == nil {
			if again, err := decodeCounts(c.encode()); err != nil || again != c {
				t.Errorf("%+v became %+v, %v", c, again, err)
			}
		}
		if s, err := decodeStanding(data); err == nil {
			if again, err := decodeStanding(s.encode()); err != nil || again != s {
				t.Errorf("%+v became %+v, %v", s, again, err)
			}
		}
		if d, err := decodeTomb(data); err == nil {
			if again, err := decodeTomb(d.encode()); err != nil || !reflect.DeepEqual(again, d) {
				t.Errorf("%+v became %+v, %v", d, again, err)
			}
		}
	})
}

// FuzzScanAttempts reads any bytes as the file of attempts.
func FuzzScanAttempts(f *testing.F) {
	f.Add(note{seq: 1, n: 2, attempt: 3}.append([]byte(attemptsMagic + "id")))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "a")
		if err := os.WriteFile(path, data, boltfile.Mode); err != nil {
			t.Fatal(err)
		}
		a, err := openAttempts(path, "id")
		if err != nil {
			t.Fatal(err)
		}
		defer a.close()
		entries := []*entry{{seq: 0, attempt: 1}, {seq: 5}}
		if err := a.restore(entries); err != nil || entries[0].attempt < 1 || entries[1].attempt < 0 {
			t.Errorf("%+v, %v", entries, err)
		}
	})
}

func TestUnseal(t *testing.T) {
	good := seal(append(newRecord(0), "content"...))
	if content, err := unseal(good); err != nil || string(content) != "content" {
		t.Errorf("%q, %v", content, err)
	}
	for i := sumAt; i < len(good); i++ {
		for bit := range 8 {
			bad := append([]byte{}, good...)
			bad[i] ^= 1 << bit
			if _, err := unseal(bad); err == nil {
				t.Errorf("bit %d of byte %d flipped unnoticed", bit, i)
			}
		}
	}
	future := newRecord(0)
	future[recordHead-1]++
	if _, err := unseal(seal(future)); !errors.Is(err, errFormat) {
		t.Errorf("another format: %v", err)
	}
}

func TestCutToBounds(t *testing.T) {
	for n, want := range map[int]int{maxCause: maxCause, maxCause + 1: maxCause} {
		if got := len(causeText(errors.New(strings.Repeat("x", n)))); got != want {
			t.Errorf("a cause of %d bytes is kept with %d, want %d", n, got, want)
		}
	}
	now := time.Now()
	for delay, want := range map[time.Duration]time.Duration{maxDelay: maxDelay, maxDelay + 1: maxDelay} {
		if got := due(now, delay).Sub(now); got != want {
			t.Errorf("a delay of %s becomes %s, want %s", delay, got, want)
		}
	}
}

// TestAttemptsAreRewritten fills the file of attempts until it is replaced by a smaller one
// that says the same.
func TestAttemptsAreRewritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	a, err := openAttempts(path, "id")
	if err != nil {
		t.Fatal(err)
	}
	kept := []*entry{{seq: 7, attempt: 3}, {seq: 3, attempt: 2}, {seq: 4, attempt: 2}}
	for seq := int64(10); ; seq += 2 {
		full, err := a.note([]*entry{{seq: seq, attempt: 1}})
		if err != nil {
			t.Fatal(err)
		}
		if full {
			kept = append(kept, &entry{seq: seq, attempt: 1})

			break
		}
	}
	end := a.end
	if err := a.rewrite(kept); err != nil {
		t.Fatal(err)
	}
	if _, err := a.note([]*entry{{seq: 8, attempt: 1}}); err != nil {
		t.Fatal(err)
	}
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 500 {
		t.Errorf("the file has %d bytes, %v", info.Size(), err)
	}
	if a, err = openAttempts(path, "id"); err != nil {
		t.Fatal(err)
	}
	defer a.close()
	found := []*entry{{seq: 3}, {seq: 4}, {seq: 7, attempt: 5}, {seq: 8}, {seq: 9}, {seq: end - 1}}
	if err := a.restore(found); err != nil || a.end != end {
		t.Errorf("end %d, want %d: %v", a.end, end, err)
	}
	for i, want := range []int{2, 2, 5, 1, 0, 1} {
		if found[i].attempt != want {
			t.Errorf("message %d has attempt %d, want %d", found[i].seq, found[i].attempt, want)
		}
	}
}

// TestSchedule compares the schedule with a list that is searched from end to end.
func TestSchedule(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, seed))
		s, now := newSchedule(1<<30), time.Unix(0, 0)
		for range 200 {
			s.tail++
			s.live++
		}
		leased := map[*entry]bool{}
		for range 300 {
			now = now.Add(time.Duration(random.IntN(5)) * time.Second)
			s.advance(now)
			for e := range leased {
				if !e.until.After(now) {
					delete(leased, e)
				}
			}
			switch random.IntN(3) {
			case 0:
				take(t, &s, random, now, leased)
			case 1:
				for e := range leased {
					delete(leased, e)
					s.settling(e)
					c := changes{back: []comeback{{entry: e, due: now.Add(time.Duration(random.IntN(20)) * time.Second)}}}
					s.settled(c)

					break
				}
			default:
				for e := range leased {
					s.extend(e, now.Add(10*time.Second))

					break
				}
			}
			if len(s.leased) != len(leased) {
				t.Fatalf("seed %d: %d are leased, want %d", seed, len(s.leased), len(leased))
			}
		}
	}
}

func take(t *testing.T, s *schedule, random *rand.Rand, now time.Time, leased map[*entry]bool) {
	t.Helper()
	p := s.pick(1 + random.IntN(5))
	for p.from < p.to && p.max > 0 {
		p.back = append(p.back, &entry{seq: p.from})
		p.from, p.max = p.from+1, p.max-1
		s.head = p.from
	}
	last := int64(-1)
	for _, e := range p.back {
		if e.seq <= last || leased[e] || e.due.After(now) {
			t.Fatalf("message %d was picked after %d", e.seq, last)
		}
		last = e.seq
		e.attempt++
		leased[e] = true
	}
	s.lease(p.back, &holder{}, now.Add(10*time.Second))
}
