package command_test

import (
	"os"
	"strings"
	"testing"
)

// TestInit checks that each starter is a manifest without problems, under any name that Kubernetes allows.
func TestInit(t *testing.T) {
	s := newShell(t, nil)
	for _, runtime := range []string{"deno", "python", "container"} {
		for _, name := range []string{"smoke-test", "1", "yes", "a.b"} {
			file := runtime + name + ".yaml"
			o := s.ktask("init", runtime, name).exits(0).says("wrote "+name+".yaml, a "+runtime+" task", "next: ktask run "+name+".yaml\n")
			if o.err != "" {
				t.Errorf("stderr: %s", o.err)
			}
			if err := os.Rename(name+".yaml", file); err != nil {
				t.Fatal(err)
			}
			for _, command := range []string{"validate", "plan"} {
				if o := s.ktask(command, file).exits(0); o.err != "" {
					t.Errorf("%s %s says %s", command, file, o.err)
				}
			}
			s.ktask("plan", "-o", "json", file).says(`"name": "`+name+`"`, `"runtime": "`+runtime+`"`)
		}
	}
	text, err := os.ReadFile("pythonsmoke-test.yaml")
	if err != nil || !strings.Contains(string(text), "ktask run smoke-test.yaml --param") || strings.Contains(string(text), "SCHEMA") {
		t.Errorf("%v\n%s", err, text)
	}
	for _, file := range []string{"pythonsmoke-test.yaml", "containersmoke-test.yaml", "denosmoke-test.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if len(strings.TrimSuffix(line, "\n")) > 80 && !strings.HasPrefix(line, "# yaml-language-server:") {
				t.Errorf("%s: %q does not fit 80 columns", file, line)
			}
		}
	}
	s.ktask("init").exits(0).says("wrote hello.yaml, a python task")
	s.ktask("init", "python", "deno").exits(0).says("wrote deno.yaml, a python task")
	s.ktask("init", "container").exits(2).says("hello.yaml: the file exists and is not changed (choose another name: ktask init container NAME)")
}

// TestInitKeepsWhatIsThere checks that init writes neither over a file nor through a link, and refuses names that are not valid.
func TestInitKeepsWhatIsThere(t *testing.T) {
	s := newShell(t, map[string]string{"there.yaml": "mine"})
	if err := os.Symlink("target", "link.yaml"); err != nil {
		t.Fatal(err)
	}
	s.ktask("init", "there").exits(2).says("there.yaml: the file exists")
	s.ktask("init", "deno", "link").exits(2).says("link.yaml: the file exists", "ktask init deno NAME")
	if text, err := os.ReadFile("there.yaml"); err != nil || string(text) != "mine" {
		t.Errorf("there.yaml: %v %q", err, text)
	}
	if _, err := os.Lstat("target"); err == nil {
		t.Error("init wrote through a link")
	}
	for _, name := range []string{"My_Task", "../up", "-x", "a/b", ""} {
		s.ktask("init", "--", name).exits(2).says("is not a valid object name", "lowercase RFC 1123 subdomain")
	}
	s.ktask("init", "x.yaml").exits(2).says("ktask init python x)")
	s.ktask("init", "pyton", "x").exits(2).says(`not "x"`, "deno, python or container")
	if left, err := os.ReadDir("."); err != nil || len(left) != 2 {
		t.Errorf("files: %v, %v", left, err)
	}
}
