package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// checkInputs makes sure that a state directory is used with the files that it was begun
// with: lines are known by their place, so other files would be mixed up with these.
func checkInputs(ctx context.Context, d *database, dir string) error {
	for _, p := range partners() {
		digest, err := digest(filepath.Join(dir, p.file))
		if err != nil {
			return err
		}
		var before string
		err = d.writer.QueryRowContext(ctx, `INSERT INTO inputs (partner, digest) VALUES (?, ?)
			ON CONFLICT (partner) DO UPDATE SET partner = excluded.partner RETURNING digest`, p.name, digest).Scan(&before)
		if err != nil {
			return fmt.Errorf("note the input %s: %w", p.file, err)
		}
		if before != digest {
			return fmt.Errorf("%s is not the file that this state was begun with: use another -state", p.file)
		}
	}

	return nil
}

func digest(path string) (string, error) {
	file, err := os.Open(path)
	if err == nil {
		defer func() { _ = file.Close() }() // it was only read
		h := sha256.New()
		if _, err = io.Copy(h, file); err == nil {
			return hex.EncodeToString(h.Sum(nil)), nil
		}
	}

	return "", fmt.Errorf("%w: -data names the directory with the files partner_a.csv and partner_b.csv", err)
}
