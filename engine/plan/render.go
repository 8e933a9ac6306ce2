package plan

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// WriteText writes the plan for people. With explain, each value follows its origin.
func (p Plan) WriteText(w io.Writer, explain bool) error {
	out := &form{w: tabwriter.NewWriter(w, 0, 8, 2, ' ', 0), explain: explain}
	stage := ""
	for i, t := range p.Tasks {
		if i > 0 {
			out.line("")
		}
		if t.Stage != stage {
			stage = t.Stage
			s, _ := p.Stage(stage)
			out.line("── %s", s)
		}
		out.task(t)
	}
	if p.NonBlocking {
		out.line("")
		out.line("a failed stage does not stop the later ones")
	}
	for _, s := range p.Skipped {
		out.line("")
		out.line("left out\t%s: %s", s.Name, s.Reason)
	}
	for _, warning := range p.Warnings {
		out.line("")
		out.line("warning\t%s: %s [%s]", warning.Origin, warning.Message, warning.Rule)
	}
	if out.err != nil {
		return out.err
	}
	return out.w.Flush()
}

type form struct {
	w       *tabwriter.Writer
	explain bool
	err     error
}

// line writes a line, in which format has the layout and args have the text.
func (f *form) line(format string, args ...any) {
	for i, arg := range args {
		args[i] = OneLine(fmt.Sprint(arg))
	}
	if f.err == nil {
		_, f.err = fmt.Fprintf(f.w, format+"\n", args...)
	}
}

// value writes a name, a value and its origin; a value of several lines is shown on one.
func (f *form) value(name, value string, from Origin) {
	if f.explain { // the origin stands in front, so that a long value does not push it away
		f.line("  %s\t%s\t%s", name, from, value)
		return
	}
	f.line("  %s\t%s", name, value)
}

func (f *form) task(t Task) {
	f.line("%s %s\t%s", t.Runtime, t.Name, t.Origin)
	if t.Definition != t.Name {
		f.value("definition", t.Definition, Origin{})
	}
	f.value("namespace", t.Namespace, Origin{})
	f.container(t.Container)
	retries := "0"
	if t.Retry.Limit > 0 {
		retries = fmt.Sprintf("%d, waits %s to %s", t.Retry.Limit, t.Retry.Backoff.Initial, t.Retry.Backoff.Max)
	}
	f.value("retries", retries, t.Retry.Origin)
	f.value("timeout", t.Timeout.String(), t.TimeoutOrigin)
	if f.explain {
		f.ahead(t)
	}
}

// ahead writes why the container of the task is not started before it is needed, as far as the task is the reason.
func (f *form) ahead(t Task) {
	switch c := t.Container; {
	case c.Unprepared() != "":
		f.value("not prepared", c.Unprepared(), Origin{})
	case len(c.Tmpfs) > 0:
		f.value("not prepared", "for a first attempt: its volumes are created with it", Origin{})
	case c.PullPolicy == PullAlways:
		f.value("not prepared", "for a first attempt: its image is pulled first", Origin{})
	}
}

func (f *form) container(c Container) {
	f.value("image", fmt.Sprintf("%s (pull %s)", c.Image, c.PullPolicy), c.ImageOrigin)
	for _, p := range c.PullCredentials {
		f.value("pull with", "Secret "+p.Secret, p.Origin)
	}
	if c.Command != nil {
		f.value("command", words(c.Command), c.Origin("command"))
	}
	if c.Args != nil {
		f.value("args", words(c.Args), c.Origin("args"))
	}
	for _, v := range []struct{ name, value, field string }{
		{"working dir", c.WorkingDir, "workingDir"}, {"user", c.User, "user"}, {"platform", c.Platform, "platform"}, {"network", c.Network, "network"},
		{"compose project", c.Compose, "compose"},
		{"message", c.TerminationMessage.Path, "terminationMessagePath"},
	} {
		if v.value != "" {
			f.value(v.name, v.value, c.Origin(v.field))
		}
	}
	for _, e := range c.Env {
		f.value("env "+e.Name, e.Value.String(), e.Origin)
		for _, part := range e.Parts {
			if f.explain {
				f.value("    "+e.Name+"."+part.Name, "", part.Origin)
			}
		}
	}
	for _, file := range c.Files {
		f.value("file "+file.Path, fmt.Sprintf("%d bytes, mode %04o", len(file.Content), file.Mode.Perm()), file.Origin)
	}
	for _, t := range c.Tmpfs {
		f.value("tmpfs "+t.Path, fmt.Sprintf("%s, %s%s", t.Name, Bytes(t.SizeBytes), readOnly(t.ReadOnly)), t.Origin)
	}
	for _, m := range c.Mounts {
		f.value("mount "+m.Target, m.Source+readOnly(m.ReadOnly), m.Origin)
	}
	if c.Limits.MemoryBytes > 0 {
		f.value("memory", Bytes(c.Limits.MemoryBytes), c.Origin("limits.memory"))
	}
	if c.Limits.NanoCPUs > 0 {
		f.value("cpu", fmt.Sprintf("%g", float64(c.Limits.NanoCPUs)/1e9), c.Origin("limits.cpu"))
	}
	if from := c.Origin("limits.pids"); from.Known() || f.explain {
		f.value("pids", pids(c.Limits.Pids), cmp.Or(from, Default))
	}
	f.security(c.Security, c.Origin("security"))
	if c.Origin("grace").Known() {
		f.value("grace", c.Grace.String(), c.Origin("grace"))
	}
}

func (f *form) security(s Security, from Origin) {
	var all []string
	for _, flag := range []struct {
		name string
		set  bool
	}{
		{"read-only root", s.ReadOnlyRootfs}, {"no new privileges", s.NoNewPrivileges}, {"privileged", s.Privileged},
		{"not as root", s.RunAsNonRoot}, {"unmasked /proc", s.UnmaskedProc}, {"seccomp " + s.Seccomp, s.Seccomp != ""},
		{"add " + strings.Join(s.CapAdd, " "), len(s.CapAdd) > 0}, {"drop " + strings.Join(s.CapDrop, " "), len(s.CapDrop) > 0},
	} {
		if flag.set {
			all = append(all, flag.name)
		}
	}
	if all != nil {
		f.value("security", strings.Join(all, ", "), from)
	}
}

func pids(limit int64) string {
	if limit == 0 {
		return "no limit"
	}
	return strconv.FormatInt(limit, 10)
}

func readOnly(yes bool) string {
	if yes {
		return ", read-only"
	}
	return ""
}

// words quotes what a shell would split.
func words(texts []Text) string {
	all := make([]string, len(texts))
	for i, t := range texts {
		all[i] = t.String()
		if all[i] == "" || strings.ContainsAny(all[i], " \t\n\"'$") {
			all[i] = fmt.Sprintf("%q", all[i])
		}
	}
	return strings.Join(all, " ")
}

// Bytes writes a size in the largest binary unit that leaves it whole, as a Kubernetes quantity.
func Bytes(n int64) string {
	units := []string{"", "Ki", "Mi", "Gi", "Ti"}
	u := 0
	for n != 0 && n%1024 == 0 && u < len(units)-1 {
		n, u = n/1024, u+1
	}
	return fmt.Sprintf("%d%s", n, units[u])
}
