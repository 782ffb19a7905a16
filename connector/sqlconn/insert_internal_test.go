package sqlconn

import (
	"strings"
	"testing"
)

func TestStatement(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		config TableConfig
		rows   int
		want   string
	}{
		"insert": {
			TableConfig{Dialect: SQLite, Table: "t"}, 2,
			`INSERT INTO "t" ("id", "name") VALUES (?, ?), (?, ?)`,
		},
		"insert numbered": {
			TableConfig{Dialect: PostgreSQL, Table: "billing.t"}, 2,
			`INSERT INTO "billing"."t" ("id", "name") VALUES ($1, $2), ($3, $4)`,
		},
		"update": {
			TableConfig{Dialect: PostgreSQL, Table: "t", OnConflict: Update, Key: []string{"id"}}, 1,
			`INSERT INTO "t" ("id", "name") VALUES ($1, $2) ON CONFLICT ("id") DO UPDATE SET "name" = excluded."name"`,
		},
		"update without other columns": {
			TableConfig{Dialect: SQLite, Table: "t", OnConflict: Update, Key: []string{"id", "name"}}, 1,
			`INSERT INTO "t" ("id", "name") VALUES (?, ?) ON CONFLICT ("id", "name") DO NOTHING`,
		},
		"keep": {
			TableConfig{Dialect: SQLite, Table: "t", OnConflict: Keep, Key: []string{"id"}}, 1,
			`INSERT INTO "t" ("id", "name") VALUES (?, ?) ON CONFLICT ("id") DO NOTHING`,
		},
		"mysql update": {
			TableConfig{Dialect: MySQL, Table: "t", OnConflict: Update, Key: []string{"id"}}, 1,
			"INSERT INTO `t` (`id`, `name`) VALUES (?, ?) ON DUPLICATE KEY UPDATE `name` = VALUES(`name`)",
		},
		"mysql keep": {
			TableConfig{Dialect: MySQL, Table: "t", OnConflict: Keep, Key: []string{"id"}}, 1,
			"INSERT INTO `t` (`id`, `name`) VALUES (?, ?) ON DUPLICATE KEY UPDATE `id` = `id`",
		},
	}
	fields, err := typeOf[struct {
		ID   int64
		Name string
	}]()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			insert, _ := c.config.inserter(fields) // complains of the missing DB alone
			if got := insert.statement(c.rows); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestMaxRows(t *testing.T) {
	t.Parallel()
	cases := []struct {
		dialect       Dialect
		columns, want int
	}{
		{SQLite, 1, 256}, {SQLite, 127, 256}, {SQLite, 128, 128}, {SQLite, 129, 128},
		{SQLite, 32_766, 1}, {SQLite, 16_383, 2}, {SQLite, 16_384, 1},
		{PostgreSQL, 255, 256}, {PostgreSQL, 257, 128}, {MySQL, 65_535, 1},
	}
	for _, c := range cases {
		got := maxRows(c.dialect, c.columns)
		if got != c.want || got*c.columns > c.dialect.maxParameters() {
			t.Errorf("%s with %d columns: %d rows, want %d", c.dialect, c.columns, got, c.want)
		}
	}
}

func TestTooManyColumns(t *testing.T) {
	t.Parallel()
	fields := make([]field, SQLite.maxParameters()+1)
	for i := range fields {
		fields[i] = field{Column: "c", Name: "C"}
	}
	_, err := TableConfig{Dialect: SQLite, Table: "t"}.inserter(fields)
	if err == nil || !strings.Contains(err.Error(), "32767 columns are more than the 32766") {
		t.Errorf("error %.200v", err)
	}
}

func FuzzQuote(f *testing.F) {
	for _, seed := range []string{"id", `a"b`, "a`b", "a;b", "", "größe", "a\x00b", "\xff", strings.Repeat("x", 64)} {
		f.Add(seed, uint8(SQLite))
	}
	f.Fuzz(func(t *testing.T, name string, d uint8) {
		dialect := Dialect(d%3 + 1)
		quoted, err := dialect.quote(name)
		if err != nil {
			if quoted != "" {
				t.Fatalf("%q came with error %v", quoted, err)
			}

			return
		}
		mark := `"`
		if dialect == MySQL {
			mark = "`"
		}
		if quoted != mark+name+mark || strings.ContainsAny(name, "\"`'\\;\x00\n") || len(name) > dialect.rules().Longest {
			t.Fatalf("%q quoted as %s", name, quoted)
		}
	})
}
