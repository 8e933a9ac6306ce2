package endpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"
)

// maxConfig is the size limit of a file of Docker's configuration, in bytes.
const maxConfig = 1 << 20

// readJSON decodes a JSON file of Docker's configuration. It reads an empty file as {}, ignores a byte order mark, and stops
// at the end of the first value, as docker does. The error contains the path, unless the file does not exist.
func readJSON(path string, to any) error {
	content, err := readRegular(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fs.ErrNotExist
	case err != nil:
		return fmt.Errorf("%s: %w", path, withoutPath(err))
	}
	return decodeJSON(path, content, to)
}

// decodeJSON decodes the content of a file or variable as readJSON does. The error begins with the name.
func decodeJSON(name string, content []byte, to any) error {
	if bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff")) {
		return fmt.Errorf("%s:1:1: the file is in UTF-16, and must be in UTF-8 [syntax]", name)
	}
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	err := json.NewDecoder(bytes.NewReader(content)).Decode(to)
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	offset, what, rule := len(content), "the JSON ends too early", "syntax"
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset, what = int(syntax.Offset), "not valid JSON: "+syntax.Error()
	} else if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		value, _, _ := strings.Cut(wrong.Value, " ") // what follows is the value itself
		field := "the file"
		if wrong.Field != "" {
			field = wrong.Field
		}
		offset, what, rule = int(wrong.Offset), fmt.Sprintf("%s must be %s, not %s", field, kindName(wrong.Type), article(value)), "wrong-type"
	}
	line, column := place(content, offset)
	return fmt.Errorf("%s:%d:%d: %s [%s]", name, line, column, what, rule)
}

// place returns the line and the column of the last character that is read after offset bytes.
func place(content []byte, offset int) (line, column int) {
	before := content[:min(max(offset-1, 0), len(content))]
	begin := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte("\n")) + 1, len([]rune(string(before[begin:]))) + 1
}

func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Map, reflect.Struct:
		return "an object"
	case reflect.Slice:
		return "a list"
	case reflect.Bool:
		return "true or false"
	}
	return "a string"
}

// article returns the name of a kind of JSON value with its article.
func article(kind string) string {
	switch kind {
	case "array":
		return "a list"
	case "object":
		return "an object"
	case "bool":
		return "true or false"
	}
	return "a " + kind
}

// readRegular returns the content of a regular file. It returns an error for pipes and devices, which may have no end.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err == nil && len(content) > maxConfig {
		return nil, fmt.Errorf("over %d MiB, which is too large", maxConfig>>20)
	}
	return content, err
}

// withoutPath returns the error of a file operation without the name of the file.
func withoutPath(err error) error {
	if failure, ok := errors.AsType[*fs.PathError](err); ok {
		return failure.Err
	}
	return err
}
