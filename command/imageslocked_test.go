package command_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// TestImagesLocked checks that the commands about images take those of ktask.lock, as `run --locked` does: by digest, or by ID if the
// engine has only that. Here .ktask.yaml demands it.
func TestImagesLocked(t *testing.T) {
	digest, id, own := "sha256:"+strings.Repeat("0d", 32), "sha256:"+strings.Repeat("1d", 32), "sha256:"+strings.Repeat("2d", 32)
	s := newShell(t, map[string]string{
		"a.yaml": busybox + "---\n" + strings.NewReplacer("busybox", "own-busybox", "name: box", "name: own").Replace(busybox), "other.yaml": strings.ReplaceAll(busybox, "busybox:1", "other:1"), ".ktask.yaml": "locked: true\n",
		"ktask.lock": "images:\n- {image: 'busybox:1', digest: '" + digest + "', id: '" + id + "'}\n- {image: 'own-busybox:1', id: '" + own + "'}\n",
	})
	e := &imageEngine{saves: "archive of "}
	s.engine = e
	has := func(images map[string]string) {
		e.has, e.prepared = map[string]engine.Image{}, nil
		for name, id := range images {
			e.has[name] = engine.Image{ID: id, Platform: "linux/arm64"}
		}
	}
	states := func() string {
		t.Helper()
		var doc struct {
			Images []struct{ Image, State string }
		}
		if err := json.Unmarshal([]byte(s.ktask("images", "-o", "json", "a.yaml").exits(0).out), &doc); err != nil {
			t.Fatal(err)
		}
		all := ""
		for _, i := range doc.Images {
			all += i.Image + " " + i.State + " "
		}
		return strings.TrimSpace(all)
	}
	pinned := "busybox@" + digest

	has(map[string]string{"busybox:1": "sha256:new", "own-busybox:1": own, own: own}) // the tag has moved on
	if got := states(); got != pinned+" missing "+own+" present" {
		t.Errorf("got %s", got)
	}
	s.ktask("images", "pull", "--pull", "always", "a.yaml").exits(0).says(pinned + ": pulled")
	for _, c := range e.prepared {
		if want := map[string]plan.PullPolicy{pinned: plan.PullAlways, own: plan.PullNever}[c.Image]; want == "" || c.PullPolicy != want {
			t.Errorf("pulled %s (%s)", c.Image, c.PullPolicy)
		}
	}
	s.ktask("images", "save", "-o", "out.tar", "a.yaml").exits(3).says("the engine lacks " + pinned)

	for _, test := range []struct {
		has  map[string]string
		want string
	}{
		{map[string]string{pinned: id, id: id, "busybox:1": "sha256:new"}, id},
		{map[string]string{pinned: id, id: id, "busybox:1": id}, "busybox:1"},
		{map[string]string{id: id}, id}, // loaded
	} {
		test.has["own-busybox:1"], test.has[own] = own, own
		has(test.has)
		if got := states(); strings.Count(got, "present") != 2 {
			t.Errorf("got %s", got)
		}
		s.ktask("images", "save", "-o", "out.tar", "a.yaml").exits(0)
		wantFile(t, "out.tar", "archive of ["+test.want+" own-busybox:1]")
	}
	has(map[string]string{pinned: "sha256:another", "own-busybox:1": own, own: own})
	s.ktask("images", "save", "-o", "out.tar", "a.yaml").exits(2).says(`ktask.lock:2:3: image "busybox:1" has another ID on this engine`)
	has(map[string]string{pinned: id, "own-busybox:1": "sha256:new"})
	for _, command := range []string{"pull", "save"} {
		s.ktask("images", command, "a.yaml").exits(2).says(`image "own-busybox:1" has changed: its ID is now sha256:new`)
	}
	for _, args := range [][]string{{}, {"pull"}, {"save"}} {
		s.ktask(append(append([]string{"images"}, args...), "other.yaml")...).exits(2).says(`image "other:1" is not in ktask.lock`)
		s.ktask(append(append([]string{"images"}, args...), "--help")...).exits(0).says("--locked")
	}
	if err := os.Remove("ktask.lock"); err != nil {
		t.Fatal(err)
	}
	s.ktask("images", "a.yaml").exits(2).says("there is no ktask.lock")
}
