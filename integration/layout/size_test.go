package layout

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What grows past these does two things: ask which.
const (
	mostLines   = 300 // of a file
	mostFunc    = 60  // lines of a function
	mostMethods = 3   // of an interface
)

// TestSizes measures what is not a test.
func TestSizes(t *testing.T) {
	root := filepath.Join("..", "..")
	list := exec.Command("git", "ls-files", "*.go")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	for _, name := range strings.Fields(string(out)) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			continue // removed, and not yet committed
		}
		if lines := bytes.Count(source, []byte("\n")); lines > mostLines {
			t.Errorf("%s has %d lines, more than %d", name, lines, mostLines)
		}
		files := token.NewFileSet()
		parsed, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		length := func(n ast.Node) int { return files.Position(n.End()).Line - files.Position(n.Pos()).Line + 1 }
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if lines := length(n); lines > mostFunc {
					t.Errorf("%s: %s has %d lines, more than %d", files.Position(n.Pos()), n.Name.Name, lines, mostFunc)
				}
			case *ast.InterfaceType:
				if methods := n.Methods.NumFields(); methods > mostMethods {
					t.Errorf("%s: an interface has %d methods, more than %d", files.Position(n.Pos()), methods, mostMethods)
				}
			}
			return true
		})
	}
}
