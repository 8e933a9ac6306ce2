package inplace

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the code that the assembler makes of the .asm files")

// assemblers are the programs for each architecture, as Debian names them.
var assemblers = map[string][2]string{
	"amd64": {"x86_64-linux-gnu-as", "x86_64-linux-gnu-objcopy"},
	"arm64": {"aarch64-linux-gnu-as", "aarch64-linux-gnu-objcopy"},
}

// TestCodeIsThatOfTheText assembles the text of each program. Where the assembler is not installed it only parses the code.
func TestCodeIsThatOfTheText(t *testing.T) {
	for architecture, of := range machines {
		t.Run(architecture, func(t *testing.T) {
			if _, err := exec.LookPath(assemblers[architecture][0]); err != nil {
				t.Logf("only parsed: %v", err)
				codeOf(*of.code)
				return
			}
			want := assemble(t, architecture)
			if *update {
				if err := os.WriteFile(architecture+".hex", []byte(hexOf(want)), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if program, ok := Program(architecture, time.Minute); !ok || len(program) > 1024 {
				t.Errorf("the program has %d bytes", len(program))
			}
			if got := codeOf(*of.code); !bytes.Equal(got, want) {
				t.Errorf("%s.hex is not what the assembler makes of %s.asm: go test ./engine/docker/inplace -run Code -update", architecture, architecture)
			}
		})
	}
}

func assemble(t *testing.T, architecture string) []byte {
	t.Helper()
	dir := t.TempDir()
	object, code := filepath.Join(dir, "o"), filepath.Join(dir, "code")
	for _, cmd := range []*exec.Cmd{
		exec.Command(assemblers[architecture][0], "-o", object, architecture+".asm"),
		exec.Command(assemblers[architecture][1], "-O", "binary", "-j", ".text", object, code),
	} {
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
		}
	}
	made, err := os.ReadFile(code)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// hexOf returns the text of a file of code: 16 bytes a line.
func hexOf(code []byte) string {
	var text strings.Builder
	for len(code) > 0 {
		n := min(len(code), 16)
		text.WriteString(hex.EncodeToString(code[:n]) + "\n")
		code = code[n:]
	}
	return text.String()
}

func TestBlockRefuses(t *testing.T) {
	nonce := strings.Repeat("n", NonceBytes)
	for _, test := range []struct {
		name string
		exec Exec
		want string
	}{
		{"a NUL in an argument", Exec{Args: []string{"a\x00b"}, Nonce: nonce}, "NUL"},
		{"a NUL in a variable", Exec{Env: []string{"A=\x00"}, Nonce: nonce}, "NUL"},
		{"a large file", Exec{Files: []File{{Path: "/f", Content: make([]byte, mostBlock)}}, Nonce: nonce}, "8 MiB"},
		{"a short nonce", Exec{Nonce: "n"}, "nonce"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := test.exec.Block(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
