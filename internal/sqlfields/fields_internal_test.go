package sqlfields

import "testing"

func TestSnakeCase(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"ID": "id", "CustomerID": "customer_id", "HTTPServer": "http_server", "Name": "name",
		"LineNo2": "line_no2", "A": "a", "Already_Snake": "already_snake", "ÜberGröße": "über_größe", "X9Y": "x9_y",
	} {
		if got := snakeCase(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
