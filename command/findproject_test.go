package command_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// TestSettingsAbove runs in a directory below that of the settings: paths in them are relative to their file.
func TestSettingsAbove(t *testing.T) {
	s := newShell(t, map[string]string{
		"above/.ktask.yaml": "python-image: of-above:1\n",
		"above/repo/.git/x": "", "above/repo/sub/deep/x": "", "above/repo/inner/.git": "gitdir: elsewhere\n", "above/repo/inner/a.yaml": hello,
		"above/repo/.ktask.yaml":  "paths: [tasks]\nparams-file: [p.yaml]\nsecret: {token: '@keys/token'}\nsecret-file: [keys/more]\nmount: ['.:/src:ro', 'keys:/keys:ro']\nreport: out.json\n",
		"above/repo/tasks/a.yaml": hello, "above/repo/tasks/b.yaml": secret, "above/repo/p.yaml": "name: from-file\n",
		"above/repo/keys/token": "hunter2hunter2", "above/repo/keys/more": "other=@keys/token\n",
		"above/loose/sub/a.yaml": hello, "above/loose/.ktask.yml": "python-image: of-loose:1\n",
	})
	s.engine = passing()
	t.Chdir("above/repo/sub/deep")
	s.ktask("plan", "--explain").exits(2).says(`../../.ktask.yaml:5:9: error: mount ".:/src:ro": reaches outside of this directory`, "[untrusted]")
	s.ktask("trust").exits(0).says("../../.ktask.yaml:5:9: mount", "../../.ktask.yaml: trusted until it changes")
	root, err := filepath.EvalSymlinks("../..")
	if err != nil {
		t.Fatal(err)
	}
	if root, err = filepath.Abs(root); err != nil {
		t.Fatal(err)
	}
	s.ktask("plan", "--explain").exits(0).says("../../tasks/a.yaml:1", `{"name":"from-file"}`, "../../p.yaml:1").hides("hunter2")
	s.ktask("plan", "-o", "json").exits(0).says(strconv.Quote(root), strconv.Quote(filepath.Join(root, "keys"))).hides("hunter2")
	s.ktask("run", "-v").exits(0).says("ktask: settings: "+filepath.Join(root, ".ktask.yaml")+"\n", "read 2 files from ../../tasks")
	if _, err := os.Stat("../../out.json"); err != nil {
		t.Errorf("the report is not beside the settings: %v", err)
	}
	s.ktask("run", "--locked").exits(2).says("--locked: there is no ../../ktask.lock")
	s.ktask("trust", "--revoke").exits(0).says("../../.ktask.yaml: is no longer trusted")
	s.ktask("plan", "--explain").exits(2)

	t.Chdir("../../inner") // a repository of its own, whose root has no settings
	s.ktask("plan", "a.yaml").exits(0).hides("of-above")
	t.Chdir("../../loose/sub") // in no repository
	s.ktask("plan", "a.yaml").exits(0).hides("of-loose")
	t.Chdir("..")
	s.ktask("plan", "sub/a.yaml").exits(0).says("of-loose:1")
	s.ktask("trust").exits(0).says(".ktask.yml: nothing in it needs trust")
	if err := os.WriteFile(".ktask.yaml", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.ktask("plan", "sub/a.yaml").exits(2).says(".ktask.yaml and .ktask.yml are both there: remove one of them")
	s.ktask("trust").exits(2).says("are both there")
}

// TestExclude leaves files below directories out, by patterns of the command line and of settings above the current directory.
func TestExclude(t *testing.T) {
	s := newShell(t, map[string]string{
		".git/x": "", ".ktask.yaml": "exclude: [k8s/charts/**, '*-values.yaml']\n",
		"k8s/a.yaml": hello, "k8s/charts/web/b.yaml": caller, "k8s/sub/x-values.yaml": caller, "k8s/old/b.yaml": secret,
	})
	s.ktask("list", "-q", "k8s").exits(0).says("hello", "secret").hides("caller")
	s.ktask("list", "-q", "k8s", "--exclude", "old").exits(0).says("hello").hides("secret", "caller")
	s.ktask("list", "-q", "k8s", "--exclude", "./k8s/old/").exits(0).says("hello").hides("secret", "caller")
	s.ktask("list", "-q", "k8s", "--exclude", "old/*").exits(0).says("secret")
	s.ktask("list", "-q", "k8s/sub/x-values.yaml").exits(0).says("caller") // what is named is read
	s.ktask("list", "k8s", "--exclude", "[").exits(2).says(`--exclude takes a pattern like '*-values.yaml' or 'charts/**', not "["`)
	s.ktask("list", "k8s", "--exclude", "!a").exits(2).says("--exclude takes a pattern")
	s.ktask("list", "k8s", "--exclude", "").exits(2).says("--exclude takes a pattern")
	s.ktask("list", "k8s", "--exclude", "*.yaml").exits(2).says("directory k8s holds no .yaml, .yml or .json file but what is left out, such as k8s/a.yaml")
	s.engine = passing()
	s.ktask("run", "-v", "-t", "hello", "k8s").exits(0).says("left out (ignored by git, --exclude, node_modules or vendor): k8s/charts/web, k8s/sub/x-values.yaml")
	t.Chdir("k8s")
	s.ktask("list", "-q", ".").exits(0).says("hello", "secret").hides("caller")
	s.ktask("list", "-q", ".", "--exclude", "old/*").exits(0).says("hello").hides("secret")
}
