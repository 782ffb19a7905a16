package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// client is one connection and the times that its requests took.
type client struct {
	conn    net.Conn
	reader  *bufio.Reader
	request []byte
	took    []time.Duration
}

func dial(d *desk, address string, request []byte) (*client, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	d.after(conn.Close)

	return &client{conn: conn, reader: bufio.NewReaderSize(conn, 16<<10), request: request}, nil
}

// askAll has every client ask so often. What arrived are the answers that were whole.
func askAll(d *desk, clients []*client, each int) (int, error) {
	var answered atomic.Int64
	problems := make(chan error, len(clients))
	for _, c := range clients {
		go func() {
			for range each {
				if err := c.exchange(); err != nil {
					problems <- err

					return
				}
				answered.Add(1)
			}
			problems <- nil
		}()
	}
	var all []error
	var took []time.Duration
	for range clients {
		all = append(all, <-problems)
	}
	for _, c := range clients {
		took = append(took, c.took...)
	}
	slices.Sort(took)
	if len(took) > 0 {
		d.note(p99, float64(took[len(took)*99/100])/1e3)
	}

	return int(answered.Load()), errors.Join(all...)
}

func (c *client) exchange() error {
	begin := time.Now()
	err := c.answerOne()
	c.took = append(c.took, time.Since(begin))

	return err
}

func (c *client) answerOne() error {
	if _, err := c.conn.Write(c.request); err != nil {
		return err
	}

	return c.answer()
}

// answer reads a reply of status 200, whose body must be whole.
func (c *client) answer() error {
	length, chunks := -1, false
	for first := true; ; first = false {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		text := strings.TrimRight(string(line), "\r\n")
		if first && !strings.HasPrefix(text, "HTTP/1.1 200 ") {
			return fmt.Errorf("the server answered %q", text)
		}
		if text == "" {
			break
		}
		name, value, _ := strings.Cut(text, ":")
		switch {
		case strings.EqualFold(name, "Content-Length"):
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return err
			}
		case strings.EqualFold(name, "Transfer-Encoding"):
			chunks = true
		}
	}
	if chunks {
		return c.discardChunks()
	}
	if length <= 0 {
		return errors.New("the answer has no body")
	}
	_, err := c.reader.Discard(length)

	return err
}

func (c *client) discardChunks() error {
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(strings.TrimSpace(string(line)), 16, 32)
		if err != nil {
			return err
		}
		if _, err := c.reader.Discard(int(size) + 2); err != nil {
			return err
		}
		if size == 0 {
			return nil
		}
	}
}
