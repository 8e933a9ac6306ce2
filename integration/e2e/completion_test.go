package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCompletion completes in each shell: the second word, and the flags of run that begin with --param.
func TestCompletion(t *testing.T) {
	for shell, complete := range map[string]string{
		"bash": `COMP_WORDS=($LINE); COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 )); source "$SCRIPT"; _ktask; printf '%s\n' "${COMPREPLY[@]}"`,
		// compdef and _describe are functions of zsh's completion system, which needs a terminal.
		"zsh":  `compdef() {}; _describe() { print -l -- ${(P)2}; }; _files() {}; source "$SCRIPT"; words=(${=LINE}); CURRENT=$#words; _ktask | grep -e "^${words[-1]}" | sed 's/:.*//'`,
		"fish": `source "$SCRIPT"; complete -C "$LINE" | string replace -r '\t.*' ''`,
	} {
		t.Run(shell, func(t *testing.T) {
			script := filepath.Join(t.TempDir(), "script")
			text, err := exec.Command(binary, "completion", shell).Output()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(script, text, 0o600); err != nil {
				t.Fatal(err)
			}
			for line, want := range map[string]string{
				"ktask vali":                 "validate",
				"ktask run --param":          "--param --params-file",
				"ktask run x --fail":         "--fail-fast",
				"ktask clean --fail":         "",
				"ktask images pu":            "pull",
				"ktask images --ou":          "--output",
				"ktask images load --ou":     "",
				"ktask images build --ba":    "--base",
				"ktask images pull x --para": "--param --params-file",
			} {
				cmd := exec.Command(shell, "-c", complete)
				cmd.Env = append(os.Environ(), "SCRIPT="+script, "LINE="+line, "HOME="+t.TempDir())
				out, err := cmd.CombinedOutput()
				words := strings.Fields(string(out))
				slices.Sort(words)
				if got := strings.Join(words, " "); got != want {
					t.Errorf("%s: %q, want %q (%v)", line, got, want, err)
				}
			}
		})
	}
}
