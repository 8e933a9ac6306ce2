package command

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ktask/ktask/spec"
)

// FuzzProject: what a .ktask.yaml says without being stopped names no file outside of its directory, and no problem shows
// the text of a secret.
func FuzzProject(f *testing.F) {
	home := f.TempDir()
	dir := filepath.Join(home, "clone")
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o755); err != nil {
		f.Fatal(err)
	}
	for name, target := range map[string]string{"up": "..", "sub/root": "/", "nowhere": "../made", "same": "sub"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil && runtime.GOOS != "windows" {
			f.Fatal(err)
		}
	}
	b, err := newBoundary(dir)
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{
		"paths: [., ../x, sub, sub/../x, up/x, sub/root/etc/passwd, nowhere, same/y, .git/x, -, '']\n", "report: a/./b//c\njunit: /etc/passwd\n",
		"secret: {x: '@up/hunter2', y: env:hunter2, z: '@sub/hunter2', w: hunter2}\nsecret-file: [./.., ...]\nparams-file: ../clone/x\n",
		"mount: ['.:/a']\nnetwork: none\nhost: x\nengine: docker\nallow: all\npids-limit: 4096\n",
	} {
		f.Add([]byte(text))
	}
	files := []string{"paths", "params-file", "secret-file", "junit", "report", "html", "log-dir"}
	kinds := kindsOf((App{}).root())
	f.Fuzz(func(t *testing.T, data []byte) {
		all, problems := spec.Settings(spec.File{Name: configFile, Data: data, Named: true})
		for _, setting := range all {
			if p := judged(setting, kinds); p != nil {
				problems = append(problems, *p)
			}
			stopped := map[string]bool{}
			for _, r := range b.reaches(setting) {
				stopped[r.text] = true
				if setting.Key == "secret" && strings.Contains(r.problem().String()+r.String(), "hunter2") {
					t.Errorf("shows the text of a secret: %s", r.problem())
				}
			}
			for _, text := range setting.Values {
				name := text
				_, word, _ := strings.Cut(text, "=")
				switch {
				case stopped[text]:
					continue
				case setting.Key == "mount", setting.Key == "allow", setting.Key == "host" && text != "", setting.Key == "secret" && strings.HasPrefix(word, "env:"):
					t.Errorf("%s %q is not stopped", setting.Key, text)
					continue
				case setting.Key == "secret" && strings.HasPrefix(word, "@"):
					name = word[1:]
				case !slices.Contains(files, setting.Key):
					continue
				}
				opened := name // as the system takes it, from the directory
				if !filepath.IsAbs(name) {
					opened = string(b) + string(filepath.Separator) + name
				}
				if real, err := filepath.EvalSymlinks(opened); err == nil && name != "" && name != "-" && real != string(b) && !strings.HasPrefix(real, string(b)+string(filepath.Separator)) {
					t.Errorf("%s %q is not stopped and leads to %s", setting.Key, text, real)
				}
			}
		}
		for _, p := range problems {
			_ = p.String()
		}
	})
}
