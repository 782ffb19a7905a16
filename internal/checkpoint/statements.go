package checkpoint

// Statements are those of one dialect. Partitions are stored with a colon before them; the
// row without one holds the epoch.
type Statements struct {
	// Create makes the two tables where they are missing.
	Create []string
	// Begin counts the epoch of $name up, or makes it 1.
	Begin string
	// Hold yields $name's epoch and keeps it from being counted up until the transaction
	// ends.
	Hold string
	// Touch, where it is not empty, runs before Hold, so that the transaction begins as one
	// that writes.
	Touch string
	// Load yields part and position of all rows of $name.
	Load string
	// Marks yields part and data of all marks of $name.
	Marks string
	// Mark adds a mark of $name, $part, $upto, $data.
	Mark string
	// Advance sets $name, $part to $position, unless it is further already.
	Advance string
	// Prune removes the marks of $name, $part up to $position.
	Prune string
}

const (
	checkpoints = "millrace_checkpoints"
	marks       = "millrace_marks"
)

// PostgreSQL are the statements of PostgreSQL.
var PostgreSQL = Statements{
	Create: []string{
		"CREATE TABLE IF NOT EXISTS " + checkpoints +
			" (name TEXT NOT NULL, part TEXT NOT NULL, position BIGINT NOT NULL, PRIMARY KEY (name, part))",
		"CREATE TABLE IF NOT EXISTS " + marks +
			" (name TEXT NOT NULL, part TEXT NOT NULL, upto BIGINT NOT NULL, data BYTEA NOT NULL)",
		"CREATE INDEX IF NOT EXISTS " + marks + "_upto ON " + marks + " (name, part, upto)",
	},
	Begin: "INSERT INTO " + checkpoints + " AS c (name, part, position) VALUES ($1, '', 1)" +
		" ON CONFLICT (name, part) DO UPDATE SET position = c.position + 1",
	Hold:  "SELECT position FROM " + checkpoints + " WHERE name = $1 AND part = '' FOR SHARE",
	Load:  "SELECT part, position FROM " + checkpoints + " WHERE name = $1",
	Marks: "SELECT part, data FROM " + marks + " WHERE name = $1",
	Mark:  "INSERT INTO " + marks + " (name, part, upto, data) VALUES ($1, $2, $3, $4)",
	Advance: "INSERT INTO " + checkpoints + " AS c (name, part, position) VALUES ($1, $2, $3)" +
		" ON CONFLICT (name, part) DO UPDATE SET position = greatest(c.position, excluded.position)",
	Prune: "DELETE FROM " + marks + " WHERE name = $1 AND part = $2 AND upto <= $3",
}

// SQLite are the statements of SQLite. A transaction that has only read could not go on to
// write after another one has written, so Touch writes first.
var SQLite = Statements{
	Create: []string{
		"CREATE TABLE IF NOT EXISTS " + checkpoints +
			" (name TEXT NOT NULL, part TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (name, part)) WITHOUT ROWID",
		"CREATE TABLE IF NOT EXISTS " + marks +
			" (name TEXT NOT NULL, part TEXT NOT NULL, upto INTEGER NOT NULL, data BLOB NOT NULL)",
		"CREATE INDEX IF NOT EXISTS " + marks + "_upto ON " + marks + " (name, part, upto)",
	},
	Begin: "INSERT INTO " + checkpoints + " (name, part, position) VALUES (?, '', 1)" +
		" ON CONFLICT (name, part) DO UPDATE SET position = position + 1",
	Touch: "UPDATE " + checkpoints + " SET position = position WHERE name = ? AND part = ''",
	Hold:  "SELECT position FROM " + checkpoints + " WHERE name = ? AND part = ''",
	Load:  "SELECT part, position FROM " + checkpoints + " WHERE name = ?",
	Marks: "SELECT part, data FROM " + marks + " WHERE name = ?",
	Mark:  "INSERT INTO " + marks + " (name, part, upto, data) VALUES (?, ?, ?, ?)",
	Advance: "INSERT INTO " + checkpoints + " (name, part, position) VALUES (?, ?, ?)" +
		" ON CONFLICT (name, part) DO UPDATE SET position = max(position, excluded.position)",
	Prune: "DELETE FROM " + marks + " WHERE name = ? AND part = ? AND upto <= ?",
}

// MySQL are the statements of MySQL and MariaDB. Names are bytes there, so that the case of
// letters tells them apart.
var MySQL = Statements{
	Create: []string{
		"CREATE TABLE IF NOT EXISTS " + checkpoints +
			" (name VARBINARY(128) NOT NULL, part VARBINARY(1024) NOT NULL, position BIGINT NOT NULL," +
			" PRIMARY KEY (name, part)) ENGINE=InnoDB",
		"CREATE TABLE IF NOT EXISTS " + marks +
			" (id BIGINT PRIMARY KEY AUTO_INCREMENT, name VARBINARY(128) NOT NULL, part VARBINARY(1024) NOT NULL," +
			" upto BIGINT NOT NULL, data LONGBLOB NOT NULL, KEY (name, part, upto)) ENGINE=InnoDB",
	},
	Begin: "INSERT INTO " + checkpoints + " (name, part, position) VALUES (?, '', 1)" +
		" ON DUPLICATE KEY UPDATE position = position + 1",
	Hold:  "SELECT position FROM " + checkpoints + " WHERE name = ? AND part = '' LOCK IN SHARE MODE",
	Load:  "SELECT part, position FROM " + checkpoints + " WHERE name = ?",
	Marks: "SELECT part, data FROM " + marks + " WHERE name = ?",
	Mark:  "INSERT INTO " + marks + " (name, part, upto, data) VALUES (?, ?, ?, ?)",
	Advance: "INSERT INTO " + checkpoints + " (name, part, position) VALUES (?, ?, ?)" +
		" ON DUPLICATE KEY UPDATE position = greatest(position, VALUES(position))",
	Prune: "DELETE FROM " + marks + " WHERE name = ? AND part = ? AND upto <= ?",
}
