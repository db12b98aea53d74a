package demo

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// counter is a number in a file. Reading and writing are whole in themselves;
// what is between them is not, which is the point.
type counter struct {
	name string
	file *os.File
}

func newCounter(name string) (*counter, error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	c := &counter{name: name, file: file}
	return c, c.write(0)
}

func openCounter(name string) (*counter, error) {
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	return &counter{name: name, file: file}, err
}

func (c *counter) read() (int, error) {
	text := make([]byte, 32)
	n, err := c.file.ReadAt(text, 0)
	number, parseErr := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	if parseErr != nil {
		return 0, errors.Join(fmt.Errorf("the counter's file holds %q", text[:n]), err)
	}
	return number, nil
}

// write writes a text of the same length each time, so that the file is never
// cut short for a reader.
func (c *counter) write(n int) error {
	_, err := fmt.Fprintf(&at{c.file}, "%15d\n", n)
	return err
}

func (c *counter) close() error { return c.file.Close() }

// at writes at the file's beginning.
type at struct{ file *os.File }

func (a *at) Write(p []byte) (int, error) { return a.file.WriteAt(p, 0) }
