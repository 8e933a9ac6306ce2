package export

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/ktask/ktask/engine/plan"
)

// Docker returns commands for a POSIX shell, one `docker run` for each task in the order of the plan. What ktask does around a
// container is not in them: retries, timeouts, masks, the termination message.
func Docker(p plan.Plan) []byte {
	secrets := newVariables(p)
	var b strings.Builder
	b.WriteString(comment("retries and timeouts are up to you: docker run makes one attempt and waits for its end"))
	b.WriteString(secrets.needed())
	for _, t := range p.Tasks {
		b.WriteString("\n" + title(p, t) + differences(t.Container))
		b.WriteString(dockerRun(t.Container, secrets))
	}
	return []byte(b.String())
}

// dockerRun returns the command for a container. Files are written to a directory that is removed afterwards.
func dockerRun(c plan.Container, secrets variables) string {
	words, assignments, prefix := []string{""}, "", ""
	for _, option := range options(c) {
		words = append(words, shellWord(option))
	}
	for _, e := range c.Env {
		if len(e.Value.Secrets()) == 0 {
			words = append(words, shellWord("--env="+e.Name+"="+e.Value.String()))
			continue
		}
		if steering.MatchString(e.Name) {
			words = append(words, shellWord("--env="+e.Name+"=")+shellText(e.Value, secrets))
			continue
		}
		// Other users could see the arguments of docker.
		words, assignments = append(words, shellWord("--env="+e.Name)), assignments+shellWord(e.Name)+"="+shellText(e.Value, secrets)+" "
		if !shellName.MatchString(e.Name) { // a shell has no such variable
			prefix = "env "
		}
	}
	words[0] = prefix + assignments + "docker run --rm"
	var before strings.Builder
	for i, f := range c.Files {
		name := strconv.Itoa(i + 1)
		fmt.Fprintf(&before, "  printf %%s %s > \"$files/%s\" && chmod %04o \"$files/%s\" &&\n", shellWord(string(f.Content)), name, f.Mode.Perm(), name)
		words = append(words, `--mount=type=bind,source="$files/`+name+`",`+shellWord("target="+f.Path+",readonly"))
	}
	rest := append([]plan.Text{plan.Plain(c.Image)}, c.Args...)
	if len(c.Command) > 0 {
		words = append(words, "--entrypoint="+shellText(c.Command[0], secrets))
		rest = append(append([]plan.Text{rest[0]}, c.Command[1:]...), c.Args...)
	}
	words = append(words, "--") // an image is not an option
	for _, text := range rest {
		words = append(words, shellText(text, secrets))
	}
	command := strings.Join(words, " \\\n  ")
	if len(c.Files) == 0 {
		return command + "\n"
	}
	return "(files=$(mktemp -d) && trap 'rm -r \"$files\"' EXIT &&\n" + before.String() + "  " + command + ")\n"
}

// options returns the options of docker run for a container, without its variables, files and command.
func options(c plan.Container) []string {
	var all []string
	add := func(name, value string) {
		if value != "" {
			all = append(all, "--"+name+"="+value)
		}
	}
	pull := map[plan.PullPolicy]string{plan.PullAlways: "always", plan.PullNever: "never"}
	add("pull", pull[c.PullPolicy])
	add("platform", c.Platform)
	add("workdir", c.WorkingDir)
	add("user", c.User)
	add("network", network(c))
	for _, t := range c.Tmpfs {
		add("tmpfs", t.Path+":"+tmpfsOptions(t))
	}
	for _, m := range c.Mounts {
		add("mount", bind(m))
	}
	if bytes := c.Limits.MemoryBytes; bytes > 0 {
		add("memory", strconv.FormatInt(bytes, 10))
		add("memory-swap", strconv.FormatInt(bytes, 10))
	}
	add("cpus", cpus(c.Limits))
	add("pids-limit", strconv.FormatInt(pids(c.Limits), 10))
	for _, flag := range []struct {
		name string
		set  bool
	}{{"read-only", c.Security.ReadOnlyRootfs}, {"privileged", c.Security.Privileged}, {"tty", c.TTY}} {
		if flag.set {
			all = append(all, "--"+flag.name)
		}
	}
	for _, k := range c.Security.CapAdd {
		add("cap-add", k)
	}
	for _, k := range c.Security.CapDrop {
		add("cap-drop", k)
	}
	for _, o := range securityOptions(c.Security) {
		add("security-opt", o)
	}
	add("stop-timeout", strconv.Itoa(int(math.Ceil(c.Grace.Seconds()))))
	return append(all, "--no-healthcheck")
}

// cpus returns a number of processors, or "" if there is no limit.
func cpus(l plan.Limits) string {
	if l.NanoCPUs == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(l.NanoCPUs)/1e9, 'f', -1, 64)
}

// pids returns a limit of processes, or -1 if there is none.
func pids(l plan.Limits) int64 { return cmp.Or(l.Pids, -1) }

// bind returns the value of --mount, which is a line of CSV.
func bind(m plan.Mount) string {
	fields := []string{"type=bind", "source=" + m.Source, "target=" + m.Target}
	if m.ReadOnly {
		fields = append(fields, "readonly")
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(fields) // a Builder takes everything
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

var (
	plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=,@%+-]+$`)
	// steering are variables that could change what the docker command does, or to which engine it sends the secrets, if they
	// were in its environment.
	steering  = regexp.MustCompile(`(?i)^(docker|buildkit|buildx|compose|ld_|dyld_|ssl_|otel|xdg_|bash|(path|home|userprofile|tmpdir|temp|tmp|env|ifs|go(debug|gc|traceback|maxprocs|memlimit)|ssh_(auth_sock|askpass))$|(.*_)?proxy$)`)
	shellName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// shellWord quotes a word for a POSIX shell if needed.
func shellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// shellText returns a word for a POSIX shell, in which secrets are variables.
func shellText(t plan.Text, secrets variables) string {
	word := t.Map(shellWord, func(s plan.Secret) string { return `"` + secrets.expansion(s) + `"` })
	return cmp.Or(word, "''")
}
