package blobconn_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"slices"
	"strings"
	"testing"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/blobconn"
	"github.com/millrace-go/millrace/connector/conntest"
	"github.com/millrace-go/millrace/connector/fileconn"
	"github.com/millrace-go/millrace/connector/memory"
	"github.com/millrace-go/millrace/transform"
)

func do(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func lineFormat(t testing.TB) *transform.Lines {
	t.Helper()
	format, err := transform.NewLines(transform.LinesConfig{})
	do(t, err)

	return format
}

// buckets are the stores that need no service.
var buckets = map[string]func(t testing.TB) *blob.Bucket{
	"memory": func(t testing.TB) *blob.Bucket {
		bucket := memblob.OpenBucket(nil)
		t.Cleanup(func() { do(t, bucket.Close()) })

		return bucket
	},
	"directory": func(t testing.TB) *blob.Bucket {
		bucket, err := fileblob.OpenBucket(t.TempDir(), &fileblob.Options{NoTempDir: true})
		do(t, err)
		t.Cleanup(func() { do(t, bucket.Close()) })

		return bucket
	},
}

func folderOf(t testing.TB, bucket *blob.Bucket) *blobconn.Folder {
	t.Helper()
	folder, err := blobconn.New(bucket, blobconn.Config{Name: "bucket", Prefix: "in/"})
	do(t, err)

	return folder
}

// objects lists the keys below a prefix, with what they hold.
func objects(t testing.TB, bucket *blob.Bucket, prefix string) (keys, texts []string) {
	t.Helper()
	list := bucket.List(&blob.ListOptions{Prefix: prefix})
	for {
		object, err := list.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return keys, texts
		}
		do(t, err)
		text, err := bucket.ReadAll(context.Background(), object.Key)
		do(t, err)
		keys, texts = append(keys, object.Key), append(texts, string(text))
	}
}

func TestConformance(t *testing.T) {
	for name, open := range buckets {
		t.Run(name+" source", func(t *testing.T) {
			conntest.TestSource(t, conntest.SourceHarness[string]{
				New: func(t testing.TB, values []string) connector.Source[string] {
					bucket := open(t)
					for i := 0; i < len(values); i += 3 {
						text := strings.Join(values[i:min(i+3, len(values))], "\n")
						do(t, bucket.WriteAll(t.Context(), fmt.Sprintf("in/%06d.txt", i), []byte(text), nil))
					}
					source, err := fileconn.Folder(folderOf(t, bucket), lineFormat(t), fileconn.FolderConfig{
						Store: memory.NewStore(), Atomic: true, UntilEmpty: true, Archive: "done",
					})
					do(t, err)

					return source
				},
				Value:   func(i int) string { return fmt.Sprint("line ", i) },
				Resumes: true,
			})
		})
		t.Run(name+" sink", func(t *testing.T) {
			conntest.TestSink(t, conntest.SinkHarness[string]{
				New: func(t testing.TB) (connector.Sink[string], func(testing.TB) []string) {
					bucket := open(t)
					sink, err := fileconn.Upload(folderOf(t, bucket), lineFormat(t), fileconn.UploadConfig{Name: "out.txt"})
					do(t, err)

					return sink, func(t testing.TB) []string {
						_, texts := objects(t, bucket, "in/out.")
						var lines []string
						for _, text := range texts {
							lines = append(lines, strings.Split(strings.TrimSuffix(text, "\n"), "\n")...)
						}

						return lines
					}
				},
				Value: func(i int) string { return fmt.Sprintf("line %06d", i) },
				Bad:   func(i int) string { return fmt.Sprintf("two\nlines %d", i) },
			})
		})
	}
}

// The contract of fileconn.FileSystem and fileconn.Uploader, one sentence after the other.
func TestFolder(t *testing.T) {
	for name, open := range buckets {
		t.Run(name, func(t *testing.T) {
			bucket := open(t)
			folder, ctx := folderOf(t, bucket), t.Context()
			for key, text := range map[string]string{"in/a": "one", "in/b": "two", "in/sub/c": "three", "other": "four"} {
				do(t, bucket.WriteAll(ctx, key, []byte(text), nil))
			}
			infos, err := folder.List(ctx, 10)
			if err != nil || len(infos) != 2 || infos[0].Name != "a" || infos[0].Size != 3 {
				t.Errorf("List: %+v %v", infos, err)
			}
			if infos, err := folder.List(ctx, 1); err != nil || len(infos) != 1 {
				t.Errorf("List of one: %+v %v", infos, err)
			}
			_, err1 := folder.Stat(ctx, "absent")
			_, err2 := folder.Open(ctx, "absent")
			for _, err := range []error{err1, err2, folder.Remove(ctx, "absent"), folder.Move(ctx, "absent", "x/y")} {
				if !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%v; want ErrNotExist", err)
				}
			}
			if err := folder.Move(ctx, "a", "b"); !errors.Is(err, fs.ErrExist) {
				t.Errorf("Move: %v; want ErrExist", err)
			}
			if err := folder.Upload(ctx, "b", []byte("new")); !errors.Is(err, fs.ErrExist) || connector.ClassOf(err) != connector.ClassPermanent {
				t.Errorf("Upload: %v; want ErrExist", err)
			}
			do(t, bucket.WriteAll(ctx, "in/done/a", []byte("one"), nil)) // as after a crash between copy and removal
			do(t, folder.Move(ctx, "a", "done/a"), folder.Upload(ctx, "d", []byte("four\n")), folder.CheckHealth(ctx))
			file, err := folder.Open(ctx, "d")
			do(t, err)
			text, err := io.ReadAll(file)
			part := make([]byte, 3)
			n, atErr := file.ReadAt(part, 2)
			if string(text) != "four\n" || err != nil || n != 3 || string(part) != "ur\n" || atErr != nil {
				t.Errorf("%q %v, %q %v", text, err, part, atErr)
			}
			if n, err := file.ReadAt(part, 3); n != 2 || !errors.Is(err, io.EOF) {
				t.Errorf("ReadAt near the end: %d %v", n, err)
			}
			if n, err := file.ReadAt(part, 5); n != 0 || !errors.Is(err, io.EOF) {
				t.Errorf("ReadAt at the end: %d %v", n, err)
			}
			do(t, file.Close(), folder.Remove(ctx, "d"))
			if keys, texts := objects(t, bucket, ""); !slices.Equal(keys, []string{"in/b", "in/done/a", "in/sub/c", "other"}) {
				t.Errorf("left %q %q", keys, texts)
			}
			for _, name := range []string{"../other", "/x", "", ".", "a//b"} {
				_, err := folder.Stat(ctx, name)
				for _, err := range []error{err, folder.Remove(ctx, name), folder.Move(ctx, "b", name), folder.Upload(ctx, name, nil)} {
					if err == nil || connector.ClassOf(err) != connector.ClassPermanent {
						t.Errorf("%q: %v", name, err)
					}
				}
			}
		})
	}
}

// An object that is replaced while it is read is told at its end, and not archived.
func TestReplacedWhileRead(t *testing.T) {
	bucket := buckets["memory"](t)
	text := strings.Repeat("line\n", 50_000)
	do(t, bucket.WriteAll(t.Context(), "in/a", []byte(text), nil))
	source, err := fileconn.Folder(folderOf(t, bucket), lineFormat(t), fileconn.FolderConfig{
		Store: memory.NewStore(), Atomic: true, UntilEmpty: true, Delete: true,
	})
	do(t, err)
	reader, err := source.Open(t.Context())
	do(t, err)
	for n := 0; err == nil; n++ {
		var messages []connector.Message[string]
		messages, err = reader.Read(t.Context(), 1000)
		var settlements []connector.Settlement
		for _, m := range messages {
			settlements = append(settlements, connector.Settlement{Position: m.Position(), Outcome: connector.Delivered})
		}
		do(t, reader.Settle(t.Context(), settlements))
		if n == 0 {
			do(t, bucket.WriteAll(t.Context(), "in/a", []byte("other\n"), nil))
		}
	}
	do(t, reader.Close())
	if e, ok := errors.AsType[*fileconn.ChangedError](err); !ok || e.Change != fileconn.Replaced {
		t.Errorf("%v", err)
	}
	if _, texts := objects(t, bucket, "in/"); len(texts) != 1 || texts[0] != "other\n" {
		t.Errorf("left %q", texts)
	}
}

func TestDefinitionFails(t *testing.T) {
	_, err := blobconn.New(nil, blobconn.Config{Prefix: "in"})
	for _, want := range []string{"bucket", "Name", `"in"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func ExampleNew() {
	ctx := context.Background()
	bucket, err := blob.OpenBucket(ctx, "mem://") // or s3://…, gs://…, azblob://…, with their drivers imported
	if err != nil {
		log.Print(err)

		return
	}
	defer bucket.Close()
	folder, err := blobconn.New(bucket, blobconn.Config{Name: "orders", Prefix: "out/"})
	if err != nil {
		log.Print(err)

		return
	}
	format, err := transform.NewJSONArray[string](transform.JSONArrayConfig{})
	if err != nil {
		log.Print(err)

		return
	}
	sink, err := fileconn.Upload(folder, format, fileconn.UploadConfig{Name: "orders.json"})
	if err != nil {
		log.Print(err)

		return
	}
	err = sink.Write(ctx, []connector.Message[string]{connector.NewMessage("A-1", connector.Fields{})})
	infos, listErr := folder.List(ctx, 10)
	fmt.Println(len(infos), infos[0].Size, err, listErr)
	// Output: 1 10 <nil> <nil>
}
