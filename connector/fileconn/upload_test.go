package fileconn_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/transform"
)

func TestUploadConformance(t *testing.T) {
	conntest.TestSink(t, conntest.SinkHarness[string]{
		New: func(t testing.TB) (connector.Sink[string], func(testing.TB) []string) {
			in := newInbox(t, nil)
			sink, err := fileconn.Upload(in.dir, lineFormat(t), fileconn.UploadConfig{Name: "out.txt", MaxBytes: 1000})
			do(t, err)

			return sink, func(t testing.TB) []string {
				files := in.tree()
				var lines []string
				for _, name := range slices.Sorted(maps.Keys(files)) {
					if !strings.HasPrefix(name, "out.") || !strings.HasSuffix(name, ".txt") {
						t.Errorf("file %q", name)
					}
					lines = append(lines, strings.Split(strings.TrimSuffix(files[name], "\n"), "\n")...)
				}

				return lines
			}
		},
		Value: func(i int) string { return fmt.Sprintf("line %06d", i) },
		Bad:   func(i int) string { return fmt.Sprintf("two\nlines %d", i) },
	})
}

// shelf is an Uploader that fails as it is told.
type shelf struct {
	files map[string]string
	fail  func(n int) error
	n     int
}

func (s *shelf) String() string { return "shelf" }

func (s *shelf) Upload(_ context.Context, name string, text []byte) error {
	s.n++
	if s.fail != nil {
		if err := s.fail(s.n); err != nil {
			return err
		}
	}
	s.files[name] = string(text)

	return nil
}

// Each file has a fate of its own, and so has each value that cannot be encoded.
func TestUploadPartial(t *testing.T) {
	long := strings.Repeat("x", 70_000) // fills a file alone
	broken := connector.Transient(errors.New("broken"))
	unclear := connector.Ambiguous(errors.New("unclear"))
	for _, test := range []struct {
		name   string
		fail   error
		values []string
		fates  []connector.Fate
	}{
		{"the second file fails", broken, []string{long, long, long}, []connector.Fate{connector.Accepted, connector.Failed, connector.NotAttempted}},
		{"the second file is unclear", unclear, []string{long, "a\nb", long, long}, []connector.Fate{connector.Accepted, connector.Failed, connector.Unclear, connector.NotAttempted}},
		{"one cannot be encoded", nil, []string{"a", "b\nc", "d"}, []connector.Fate{connector.Accepted, connector.Failed, connector.Accepted}},
	} {
		t.Run(test.name, func(t *testing.T) {
			to := &shelf{files: map[string]string{}, fail: func(n int) error {
				if n == 2 {
					return test.fail
				}

				return nil
			}}
			sink, err := fileconn.Upload(to, lineFormat(t), fileconn.UploadConfig{Name: "out", MaxBytes: 1000})
			do(t, err)
			err = sink.Write(t.Context(), messages(test.values...))
			partial, ok := errors.AsType[*connector.PartialError](err)
			if !ok {
				t.Fatalf("%v", err)
			}
			for i, member := range partial.Members {
				if member.Fate != test.fates[i] || (member.Err == nil) != (member.Fate == connector.Accepted) {
					t.Errorf("message %d: %v %v, want %v", i, member.Fate, member.Err, test.fates[i])
				}
			}
		})
	}
}

// A document with an end, such as a JSON array, is whole in each file.
func TestUploadDocuments(t *testing.T) {
	array, err := transform.NewJSONArray[item](transform.JSONArrayConfig{})
	do(t, err)
	to := &shelf{files: map[string]string{}}
	sink, err := fileconn.Upload(to, array, fileconn.UploadConfig{Name: "out.json"})
	do(t, err, sink.Write(t.Context(), messages(item{Name: "a"}, item{Name: "b"})), sink.Write(t.Context(), messages(item{Name: "c"})))
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(to.files)) {
		texts = append(texts, to.files[name])
	}
	want := []string{"[\n{\"name\":\"a\",\"count\":0},\n{\"name\":\"b\",\"count\":0}\n]\n", "[\n{\"name\":\"c\",\"count\":0}\n]\n"}
	if !slices.Equal(texts, want) {
		t.Errorf("%q", texts)
	}
}

func TestDirUpload(t *testing.T) {
	in := newInbox(t, map[string]string{"a": "old"})
	if err := in.dir.Upload(t.Context(), "a", []byte("new")); !errors.Is(err, fs.ErrExist) || connector.ClassOf(err) != connector.ClassPermanent {
		t.Errorf("%v; want ErrExist", err)
	}
	for _, name := range []string{"../x", "/x", ""} {
		if err := in.dir.Upload(t.Context(), name, nil); err == nil {
			t.Errorf("uploaded %q", name)
		}
	}
	if left := in.tree(); len(left) != 1 || left["a"] != "old" {
		t.Errorf("left %q", left)
	}
}

func TestUploadDefinitionFails(t *testing.T) {
	for _, config := range []fileconn.UploadConfig{{}, {Name: "a/b"}, {Name: ".."}, {Name: "x", MaxBytes: -1}} {
		if _, err := fileconn.Upload(&shelf{}, lineFormat(t), config); err == nil {
			t.Errorf("%+v", config)
		}
	}
}
