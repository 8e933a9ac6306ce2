package attack

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktask/ktask/integration/engines"
)

// container is the manifest of a task without any privilege that runs a script; extra lines go into its container.
func container(retries int, script string, extra ...string) string {
	text := fmt.Sprintf(`apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: task}
spec:
  retries: %d
  container:
    name: c
    image: %s
    imagePullPolicy: Never
    securityContext: {capabilities: {drop: [ALL]}, allowPrivilegeEscalation: false, seccompProfile: {type: RuntimeDefault}}
    command: [sh, -c]
    args:
    - |
      %s
`, retries, busyboxImage, strings.ReplaceAll(script, "\n", "\n      "))
	for _, line := range extra {
		text += "    " + line + "\n"
	}
	return text
}

// waits are the factors of the wait before the next attempt, by what becomes of that in the wait: ktask prepares an attempt if the wait
// is half a second or longer.
var waits = map[string]string{"plain": "0.01", "prepared": "0.5"}

// hosts are the engines that tasks attack, by name: flags of ktask.
func hosts(t *testing.T) map[string][]string {
	t.Helper()
	return map[string][]string{
		"Debian's Docker": nil,
		"Docker of today": {"--host", engines.Docker(t, busyboxImage)},
		"podman":          {"--host", engines.Podman(t, busyboxImage)},
	}
}

// bait is a directory of the machine with a file that no task may read.
func bait(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "secret", "the machine's own")
	return dir
}

// untouched fails the test if a task has read or written anything in the bait.
func untouched(t *testing.T, dir string, o outcome) {
	t.Helper()
	if strings.Contains(o.stdout+o.stderr, "the machine's own") {
		t.Errorf("the task has read a file of the machine:\n%s\n%s", o.stdout, o.stderr)
	}
	found, err := os.ReadDir(dir)
	if err != nil || len(found) != 1 {
		t.Errorf("the task has written to the machine: %v, %v", found, err)
	}
}

// TestVolumeLeadsNowhere has tasks that put a link in the place of a part of their volume, so that the next attempt, or
// the copy of the termination message, follows it to the engine's machine.
func TestVolumeLeadsNowhere(t *testing.T) {
	const swap = "mv /cache/s /cache/z; ln -s %[1]s /cache/s"
	const look = "cat /sub/secret; touch /sub/written"
	attacks := map[string]struct {
		retries int
		script  string
		mounts  string
		message string
	}{
		"a part, at the next attempt":      {1, "test -L /cache/s && { " + look + "; exit 1; }; " + swap + "; exit 1", "{name: v, mountPath: /cache}, {name: v, mountPath: /sub, subPath: s}", ""},
		"the order of mounts turned":       {1, "test -L /cache/s && { " + look + "; exit 1; }; " + swap + "; exit 1", "{name: v, mountPath: /sub, subPath: s}, {name: v, mountPath: /cache}", ""},
		"a part of a part":                 {1, "test -L /cache/s && { " + look + "; exit 1; }; " + swap + "; exit 1", "{name: v, mountPath: /cache, subPath: a}, {name: v, mountPath: /sub, subPath: a/s}", ""},
		"a directory above a part":         {1, "test -L /cache/s && { cat /sub/secret; touch /sub/written; exit 1; }; mv /cache/s /cache/z; ln -s $(dirname %[1]s) /cache/s; exit 1", "{name: v, mountPath: /cache}, {name: v, mountPath: /sub, subPath: s/%[2]s}", ""},
		"beside its parts":                 {1, "cat /a/secret /b/secret; touch /a/written; rmdir /a/../a; ln -s %[1]s /b/x; exit 1", "{name: v, mountPath: /a, subPath: a}, {name: v, mountPath: /b, subPath: b}", ""},
		"the message, within one attempt":  {0, swap, "{name: v, mountPath: /cache}, {name: v, mountPath: /sub, subPath: s}", "/sub/written"},
		"the message, in the only part":    {1, "test -L /sub/d && cat /sub/d/secret; mkdir -p /sub/d; mv /sub/d /sub/e; ln -s %[1]s /sub/d; exit 1", "{name: v, mountPath: /sub, subPath: s}", "/sub/d/written"},
		"the message, below the volume":    {1, "rm -rf /cache/d; ln -s %[1]s /cache/d; mv /cache/d /cache/e; ln -s %[1]s /cache/d; exit 1", "{name: v, mountPath: /cache}", "/cache/d/written"},
		"the message's own file is a link": {1, "rm -f /cache/written; ln -s %[1]s/secret /cache/written; exit 1", "{name: v, mountPath: /cache}", "/cache/written"},
	}
	for engine, flags := range hosts(t) {
		for name, attack := range attacks {
			for next, scale := range waits {
				if attack.retries == 0 && next != "plain" {
					continue
				}
				t.Run(engine+"/"+name+"/"+next, func(t *testing.T) {
					dir := bait(t)
					fill := func(text string) string {
						return strings.NewReplacer("%[1]s", dir, "%[2]s", filepath.Base(dir)).Replace(text)
					}
					extra := []string{"volumeMounts: [" + fill(attack.mounts) + "]"}
					if attack.message != "" {
						extra = append(extra, "terminationMessagePath: "+attack.message)
					}
					task := container(attack.retries, fill(attack.script), extra...)
					args := append([]string{"run", "--network", "none", "--backoff-scale", scale, "-"}, flags...)
					o := ktask(t, t.TempDir(), task, args...)
					parts := strings.Contains(attack.mounts, "subPath") && strings.Count(attack.mounts, "name:") > 1
					switch refused := strings.Contains(o.stderr, "different subPaths"); {
					case parts && engine != "Docker of today" && o.code == 3 && refused:
					case (!parts || engine == "Docker of today") && !refused && (o.code == 0 || o.code == 1 || o.code == 3 && strings.Contains(o.stderr, "attempt 1 of 2")):
					default:
						t.Errorf("the attack does not begin, exit code %d:\n%s", o.code, o.stderr)
					}
					untouched(t, dir, o)
				})
			}
		}
	}
}

// TestPathsWithOptions has paths that are more than a path to an engine that writes mounts as text: the comma begins another
// source. Each is refused with its place, on every engine.
func TestPathsWithOptions(t *testing.T) {
	for engine, flags := range hosts(t) {
		for name, extra := range map[string]string{
			"a message":                "terminationMessagePath: '/host,source=/'",
			"a message in quotes":      `terminationMessagePath: '/host","source=/'`,
			"a message of two lines":   `terminationMessagePath: "/host\n,source=/"`,
			"a message that is none":   "terminationMessagePath: ../m",
			"a volume":                 "volumeMounts: [{name: v, mountPath: '/host,source=victim'}, {name: v, mountPath: /b}]",
			"a volume of another kind": "volumeMounts: [{name: v, mountPath: '/host,volume-opt=type=none,volume-opt=device=/,volume-opt=o=bind,source=nw'}]",
		} {
			t.Run(engine+"/"+name, func(t *testing.T) {
				dir := bait(t)
				task := container(1, "cat /host"+dir+"/secret; touch /host"+dir+"/written; exit 1", extra)
				args := append([]string{"run", "--network", "none", "--backoff-scale", "0.01", "-"}, flags...)
				o := ktask(t, t.TempDir(), task, args...).expect(t, 2).says(t, "<stdin>:", "[invalid-path]")
				untouched(t, dir, o)
			})
		}
		t.Run(engine+"/a mount", func(t *testing.T) {
			dir := bait(t)
			odd := filepath.Join(t.TempDir(), "x,source=")
			write(t, odd, "file", "")
			args := append([]string{"run", "--network", "none", "--mount", odd + dir + ":/host", "-"}, flags...)
			untouched(t, dir, ktask(t, t.TempDir(), container(0, "cat /host/secret"), args...).expect(t, 2).says(t, "--mount", "commas"))
		})
	}
}

// TestHugeMessage has a message of 200 GiB that takes no room: the task has passed all the same.
func TestHugeMessage(t *testing.T) {
	for code := range 2 { // if it fails, it is retried in a prepared container
		task := container(code, fmt.Sprintf("truncate -s 200G /m || dd if=/dev/null of=/m bs=1 seek=200G; exit %d", code), "terminationMessagePath: /m")
		o := ktask(t, t.TempDir(), task, "run", "--timeout", "50s", "--backoff-scale", waits["prepared"], "-o", "json", "-").expect(t, code)
		if strings.Count(o.stdout, "ktask reads it up to 16 MiB") < 1+code {
			t.Errorf("it does not say what is wrong with the message:\n%s", o.stdout)
		}
	}
}

// TestMessageOfEveryTask attacks the file of the termination message that a task has without asking for one, once in a plain container and
// once in a prepared one.
func TestMessageOfEveryTask(t *testing.T) {
	const file = "/dev/termination-log"
	for engine, flags := range hosts(t) {
		for name, attack := range map[string]struct{ script, message string }{
			"a link in its place":      {"rm -f " + file + "; ln -sf %s/secret " + file + "; exit 1", ""},
			"a link moved there":       {"ln -s %s/secret /dev/l; mv -f /dev/l " + file + "; exit 1", ""},
			"a directory in its place": {"rm -f " + file + "; mkdir -p " + file + "; exit 1", ""},
			"another mount":            {"umount " + file + "; mount -o bind /etc " + file + "; exit 1", ""},
			"200 GiB without room":     {"truncate -s 200G " + file + "; exit 1", "ktask reads it up to 16 MiB"},
			"a program of root's":      {"cp /bin/busybox " + file + "; chmod 6777 " + file + "; head -c 9 /dev/zero | tr '\\0' x >" + file + "; exit 1", "xxxxxxxxx"},
		} {
			t.Run(engine+"/"+name, func(t *testing.T) {
				dir := bait(t)
				task := container(1, strings.ReplaceAll(attack.script, "%s", dir))
				args := append([]string{"run", "--network", "none", "--timeout", "50s", "--backoff-scale", waits["prepared"], "-o", "json", "-"}, flags...)
				o := ktask(t, t.TempDir(), task, args...).expect(t, 1)
				if attack.message != "" && strings.Count(o.stdout, attack.message) < 2 {
					t.Errorf("the messages are not %q:\n%s", attack.message, o.stdout)
				}
				untouched(t, dir, o)
			})
		}
	}
}

// TestVolumeHasOneLimit fills volumes through all of their mounts: together they hold no more than the limit.
func TestVolumeHasOneLimit(t *testing.T) {
	for engine, flags := range hosts(t) {
		for name, mounts := range map[string]string{
			"one part":  "{name: v, mountPath: /a, subPath: s}, {name: v, mountPath: /b, subPath: s}",
			"two parts": "{name: v, mountPath: /a, subPath: a}, {name: v, mountPath: /b, subPath: b}",
			"a nested":  "{name: v, mountPath: /a}, {name: v, mountPath: /b, subPath: b}",
			"alone":     "{name: v, mountPath: /a, subPath: b}",
		} {
			for retries, next := range []string{"none", "plain", "prepared"} {
				retries := min(retries, 1)
				t.Run(fmt.Sprint(engine, "/", name, "/", next), func(t *testing.T) {
					task := container(retries, "df -k /a | tail -1 | awk '{print \"size\", $2}'; mkdir -p /b; for d in /a /b; do dd if=/dev/zero of=$d/x bs=1M count=200 2>/dev/null; done; wc -c /a/x /b/x | tail -1; exit 1",
						"volumeMounts: ["+mounts+"]", "resources: {limits: {memory: 64Mi}}")
					args := append([]string{"run", "--network", "none", "--backoff-scale", cmp.Or(waits[next], "1"), "-"}, flags...)
					o := ktask(t, t.TempDir(), task, args...)
					switch {
					case o.code == 3 && strings.Contains(o.stderr, "different subPaths") && engine != "Docker of today":
					case o.code == 1 && strings.Contains(o.stdout, "size 65536"): // the tmpfs has the limit, and its pages count
					default:
						t.Errorf("exit code %d\n%s\n%s", o.code, o.stdout, o.stderr)
					}
				})
			}
		}
	}
}

// TestMountsWithinEachOther mounts a directory within another one. If the task can write to the outer one, it could replace
// the inner one by a link, so that is refused; directories that it cannot write to are allowed.
func TestMountsWithinEachOther(t *testing.T) {
	dir := bait(t)
	work := filepath.Join(t.TempDir(), "w")
	write(t, work, "s/file", "the user's")
	link(t, filepath.Dir(work), work, "l")
	attack := container(1, "test -L /w/s && { cat /s/secret; touch /s/written; exit 1; }; mv /w/s /w/z; ln -s "+dir+" /w/s; exit 1")
	for _, mounts := range [][]string{
		{work + ":/w", work + "/s:/s"}, {work + "/s:/s", work + ":/w"}, {work + ":/w", work + "/s:/s:ro"},
		{work + "/../l:/w", work + "/s:/s"}, {filepath.Dir(work) + "/l:/w", work + "/s:/s"},
	} {
		o := ktask(t, t.TempDir(), attack, "run", "--backoff-scale", "0.01", "--mount", mounts[0], "--mount", mounts[1], "-").expect(t, 2)
		o.says(t, "which the task can write to", "mount "+`"`)
		untouched(t, dir, o)
	}
	harmless := container(0, "cat /w/s/file /s/file; touch /w/x; touch /s/y")
	ktask(t, t.TempDir(), harmless, "run", "--mount", work+":/w:ro", "--mount", work+"/s:/s", "-").expect(t, 0)
	if _, err := os.Stat(filepath.Join(work, "s/y")); err != nil {
		t.Error(err)
	}
}
