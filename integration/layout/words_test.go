package layout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// flagWord matches a flag of ktask in a text. Deno's own flags begin with --allow-.
var flagWord = regexp.MustCompile(`--[a-z]`)

// TestFlagsAreNamedByReport: a Go program that runs tasks has no flags, so remedies of the engines name options, and
// engine/report has the words for the command line.
func TestFlagsAreNamedByReport(t *testing.T) {
	for _, dir := range []string{"engine", "engine/diagnose", "engine/docker", "engine/docker/endpoint", "local"} {
		files, err := filepath.Glob(filepath.Join("../..", dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no Go files (%v)", dir, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			positions := token.NewFileSet()
			file, err := parser.ParseFile(positions, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && isExec(call) {
					return false // flags of another program
				}
				if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING && flagWord.MatchString(strings.ReplaceAll(text.Value, "--allow-", "")) {
					t.Errorf("%s: %s names a flag: use an engine.Option, see engine/report/remedy.go", positions.Position(n.Pos()), text.Value)
				}
				return true
			})
		}
	}
}

// isExec reports whether a call is of exec.Command or exec.CommandContext.
func isExec(call *ast.CallExpr) bool {
	function, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	name, ok := function.X.(*ast.Ident)
	return ok && name.Name == "exec" && strings.HasPrefix(function.Sel.Name, "Command")
}
