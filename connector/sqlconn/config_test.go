package sqlconn_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector/sqlconn"
)

func checkMentions(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error does not mention %q:\n%v", part, err)
		}
	}
}

func TestTableConfigErrors(t *testing.T) {
	t.Parallel()
	_, err := sqlconn.NewTable[invoice](sqlconn.TableConfig{})
	checkMentions(t, err, "DB is nil", "Dialect is not set", "identifier is empty")

	db := (&fake{}).open(t)
	cases := map[string]struct {
		config sqlconn.TableConfig
		want   string
	}{
		"inert key":     {sqlconn.TableConfig{Table: "t", Key: []string{"id"}}, "Key has no effect"},
		"no key":        {sqlconn.TableConfig{Table: "t", OnConflict: sqlconn.Update}, "Key is empty"},
		"unknown key":   {sqlconn.TableConfig{Table: "t", OnConflict: sqlconn.Keep, Key: []string{"no"}}, `Key "no"`},
		"bad conflict":  {sqlconn.TableConfig{Table: "t", OnConflict: 9}, "OnConflict 9"},
		"quote in name": {sqlconn.TableConfig{Table: `t"; drop table t`}, "only letters"},
		"too many dots": {sqlconn.TableConfig{Table: "a.b.c.d"}, "more than 3 parts"},
		"empty part":    {sqlconn.TableConfig{Table: "a."}, "identifier is empty"},
		"long name":     {sqlconn.TableConfig{Table: strings.Repeat("a", 65)}, "65 bytes"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.config.DB, c.config.Dialect = db, sqlconn.SQLite
			_, err := sqlconn.NewTable[invoice](c.config)
			checkMentions(t, err, c.want, `table "`)
		})
	}
	if _, err := sqlconn.NewTable[invoice](sqlconn.TableConfig{
		DB: db, Dialect: sqlconn.SQLite, Table: strings.Repeat("a", 64),
	}); err != nil {
		t.Errorf("a name of 64 bytes: %v", err)
	}
}

func TestQueryConfigErrors(t *testing.T) {
	t.Parallel()
	_, err := sqlconn.NewQuery[invoice](sqlconn.QueryConfig{Key: "no"})
	checkMentions(t, err, "DB is nil", "Name is empty", "SQL is empty", `Key "no"`)
	_, err = sqlconn.NewQuery[invoice](sqlconn.QueryConfig{Key: "amount"})
	checkMentions(t, err, "field Amount is a string, not an integer")
}

func TestNewSourceErrors(t *testing.T) {
	t.Parallel()
	db := (&fake{}).open(t)
	long := strings.Repeat("n", 129)
	_, err := sqlconn.NewPages[invoice](sqlconn.PagesConfig{Page: -1, Args: []any{1}, Key: "no", Table: `a"b`})
	checkMentions(t, err, "DB is nil", "Dialect is not set", "Name is empty", "Page -1", "Args have no effect", `Key "no"`, "only letters")
	_, err = sqlconn.NewPages[invoice](sqlconn.PagesConfig{Page: 100_001, Key: "amount"})
	checkMentions(t, err, "Page 100001", "not an integer")
	_, err = sqlconn.NewPages[invoice](sqlconn.PagesConfig{
		DB: db, Dialect: sqlconn.SQLite, Name: "p", Table: "t", Key: "id", Page: 100_000,
	})
	if err != nil {
		t.Errorf("the largest page: %v", err)
	}
	_, err = sqlconn.NewClaims[invoice](sqlconn.ClaimsConfig{
		Lease: time.Millisecond, Poll: time.Microsecond, Args: []any{1}, Key: "no", Table: `a"b`,
	})
	checkMentions(t, err, "DB is nil", "Name is empty", "Lease 1ms", "Poll 1µs", "Args have no effect", `Key "no"`, "only letters")
	_, err = sqlconn.NewOutbox(sqlconn.OutboxConfig[invoice]{Name: long})
	checkMentions(t, err, "DB is nil", "Codec is nil", "129 bytes")
	_, err = sqlconn.NewInbox(sqlconn.InboxConfig{Name: long})
	checkMentions(t, err, "DB is nil", "Dialect is not set", "129 bytes")
	_, err = sqlconn.NewCheckpoint(sqlconn.CheckpointConfig{})
	checkMentions(t, err, "DB is nil", "Dialect is not set", "Name is empty")
}

func TestNotesErrors(t *testing.T) {
	t.Parallel()
	db, other := (&fake{}).open(t), (&fake{}).open(t)
	name := strings.Repeat("n", 128)
	done, err := sqlconn.NewCheckpoint(sqlconn.CheckpointConfig{DB: other, Dialect: sqlconn.SQLite, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := sqlconn.NewInbox(sqlconn.InboxConfig{DB: other, Dialect: sqlconn.SQLite, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	for want, config := range map[string]sqlconn.TableConfig{
		"give one of them":          {Checkpoint: done, Inbox: inbox},
		"Checkpoint has another DB": {Checkpoint: done},
		"Inbox has another DB":      {Inbox: inbox},
	} {
		config.DB, config.Table, config.Dialect = db, "t", sqlconn.SQLite
		_, err := sqlconn.NewTable[invoice](config)
		checkMentions(t, err, want)
	}
}

func TestFieldErrors(t *testing.T) {
	t.Parallel()
	checkFields[int](t, "not a struct")
	checkFields[*invoice](t, "not a struct")
	checkFields[struct{ hidden int }](t, "no exported field")
	checkFields[struct {
		hidden int `sql:"hidden"`
	}](t, "not exported")
	checkFields[struct{ *invoice }](t, "not exported")
	checkFields[struct{ *Base }](t, "embeds a pointer")
	checkFields[struct {
		A int `sql:""`
	}](t, "empty sql tag")
	checkFields[struct {
		A int `sql:"a,omitempty"`
	}](t, "options are not supported")
	checkFields[struct{ A sql.RawBytes }](t, "RawBytes")
	checkFields[struct {
		A int
		B int `sql:"a"`
	}](t, `fields A and B`)
}

// Base is embedded by the rows of the tests.
type Base struct {
	ID      int64
	Created time.Time
}

func checkFields[T any](t *testing.T, want string) {
	t.Helper()
	_, err := sqlconn.NewQuery[T](sqlconn.QueryConfig{Name: "q", SQL: "select", DB: (&fake{}).open(t)})
	checkMentions(t, err, want)
}
