package sqlconn

// faultOfSQLite reads a result code of SQLite; its low byte is the primary code.
func faultOfSQLite(code int) fault {
	const (
		movedFile   = 1032 // the file was renamed or removed under the connection
		primaryBits = 0xff
	)
	if code == movedFile {
		return passing
	}
	switch code & primaryBits {
	case 18, 19, 20: // too big, constraint, mismatch
		return badRow
	case 1, 3, 8, 11, 23, 25, 26: // error, perm, read-only, corrupt, auth, range, not a database
		return refused
	case 5, 6, 17: // busy, locked, schema changed
		return undone
	case 7, 9, 10, 13, 14, 15: // memory, interrupt, input/output, full, cannot open, protocol
		return passing
	default:
		return unnamed
	}
}

// faultOfMySQL reads an error number of MySQL or MariaDB.
func faultOfMySQL(number int) fault {
	switch number {
	case 1048, 1062, 1169, 1216, 1217, 1264, 1265, 1292, 1364, 1366, 1406, 1451, 1452, 1526,
		1557, 1586, 1644, 1690, 1761, 1762, 3140, 3819, 4025:
		return badRow
	case 1044, 1045, 1046, 1049, 1054, 1064, 1136, 1142, 1143, 1146, 1149, 1227, 1698:
		return refused
	case 1205, 1213, 3101:
		return undone
	case 1021, 1037, 1040, 1041, 1053, 1129, 1152, 1158, 1159, 1160, 1161, 1180, 1203, 1226,
		1290, 1317, 1836, 1927, 2006, 2013, 3024:
		return passing
	default:
		return unnamed
	}
}
