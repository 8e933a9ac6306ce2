package plan

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// TextOptions are how a plan is written for people.
type TextOptions struct {
	// Explain adds the origin of each value.
	Explain bool
	// Width is the number of columns of a line; longer values are wrapped. 0 means no limit. Lines of scripts are never wrapped.
	Width int
	// Shown returns what may be shown of a script. If it is nil, all of it is.
	Shown func(string) string
	// Absent are the images that the engine does not have; nil if that is not known.
	Absent []string
}

// WriteText writes the plan for people, and at its end what it needs.
func (p Plan) WriteText(w io.Writer, o TextOptions) error {
	out := &form{TextOptions: o, text: bufio.NewWriter(w)}
	stage := ""
	for i, t := range p.Tasks {
		if i > 0 {
			out.end()
		}
		if t.Stage != stage {
			stage = t.Stage
			s, _ := p.Stage(stage)
			out.line("── " + s.String())
		}
		out.task(t)
	}
	if p.NonBlocking {
		out.end()
		out.line("a failed stage does not stop the later ones")
	}
	for _, s := range p.Skipped {
		out.end()
		out.add("left out", s.Name+": "+s.Reason)
	}
	for _, warning := range p.Warnings {
		out.end()
		out.add("warning", fmt.Sprintf("%s: %s [%s]", warning.Origin, warning.Message, warning.Rule))
	}
	if len(p.Tasks) > 0 {
		out.end()
		out.line(p.needs(o.Absent))
	}
	out.flush()
	return out.text.Flush()
}

// needs returns how much there is to run, and what it takes: "3 tasks, 2 images (1 to pull), 1 secret". If it is not known which
// images are absent, it counts those that are pulled in any case.
func (p Plan) needs(absent []string) string {
	images, secrets := map[string]bool{}, map[string]bool{}
	for _, t := range p.Tasks {
		c := t.Container
		images[c.Image] = images[c.Image] || c.PullPolicy == PullAlways || c.PullPolicy != PullNever && slices.Contains(absent, c.Image)
		for _, s := range c.Secrets() {
			secrets[s.Ref()] = s.missing
		}
	}
	mark := "to pull"
	if absent == nil {
		mark = "always pulled"
	}
	all := []string{counted(len(p.Tasks), "task"), counted(len(images), "image") + marked(images, mark)}
	if len(secrets) > 0 {
		all = append(all, counted(len(secrets), "secret")+marked(secrets, "missing"))
	}
	return strings.Join(all, ", ")
}

func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// marked returns how many of all have a mark, or "" if none has.
func marked(all map[string]bool, mark string) string {
	n := 0
	for _, has := range all {
		if has {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d %s)", n, mark)
}

func (f *form) task(t Task) {
	f.add(fmt.Sprintf("%s %s", t.Runtime, t.Name), t.Origin.String())
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
	if f.Explain {
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
		f.words("command", c.Command, c.Origin("command"))
	}
	if c.Args != nil {
		f.words("args", c.Args, c.Origin("args"))
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
		if value := e.Value.String(); strings.Contains(value, "\n") {
			f.value("env "+e.Name, lines(value), e.Origin)
			f.script(value)
		} else {
			f.value("env "+e.Name, value, e.Origin)
		}
		for _, part := range e.Parts {
			if f.Explain {
				f.value("    "+e.Name+"."+part.Name, "", part.Origin)
			}
		}
	}
	for _, file := range c.Files {
		f.value("file "+file.Path, fmt.Sprintf("%d bytes, mode %04o", len(file.Content), file.Mode.Perm()), file.Origin)
		f.script(f.shown(file.Content))
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
	if from := c.Origin("limits.pids"); from.Known() || f.Explain {
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

// Bytes writes a size in the largest binary unit that leaves it whole, as a Kubernetes quantity.
func Bytes(n int64) string {
	units := []string{"", "Ki", "Mi", "Gi", "Ti"}
	u := 0
	for n != 0 && n%1024 == 0 && u < len(units)-1 {
		n, u = n/1024, u+1
	}
	return fmt.Sprintf("%d%s", n, units[u])
}
