// Package export converts a plan to the formats of other tools.
//
// In comes a plan, out goes text: lines of docker run for a shell, a file for Docker Compose, or the objects that Keptn would
// create in a cluster. No value of a secret is in it: the shell and Docker Compose get it from a variable, and a cluster from a
// Secret. The package opens neither files nor sockets, and the same plan has the same text.
package export

import (
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/ktask/ktask/engine/plan"
)

// variables are the shell variables from which the secrets of a plan are read.
type variables struct {
	names map[string]string // by the ref of the secret
	taken map[string]bool
	refs  []string
}

func newVariables(p plan.Plan) variables {
	v := variables{names: map[string]string{}, taken: map[string]bool{}}
	for _, t := range p.Tasks {
		for _, s := range t.Container.Secrets() {
			if v.names[s.Ref()] != "" {
				continue
			}
			name := unique("SECRET_"+strings.ToUpper(only(s.Ref(), '_', "")), "_", v.taken)
			v.names[s.Ref()], v.refs = name, append(v.refs, s.Ref())
		}
	}
	return v
}

// expansion returns the value of a secret in double quotes of a shell, or in a file of Docker Compose: an unset variable is an error.
func (v variables) expansion(s plan.Secret) string {
	return fmt.Sprintf("${%s:?Secret %s}", v.names[s.Ref()], only(s.Ref(), '_', "./-"))
}

// needed returns comments that say which variables the secrets are read from.
func (v variables) needed() string {
	var b strings.Builder
	for _, ref := range v.refs {
		b.WriteString(comment("needs the variable %s, the value of Secret %s", v.names[ref], ref))
	}
	return b.String()
}

// unique returns a name that is not taken yet, and takes it.
func unique(name, separator string, taken map[string]bool) string {
	free := name
	for i := 2; taken[free]; i++ {
		free = fmt.Sprintf("%s%s%d", name, separator, i)
	}
	taken[free] = true
	return free
}

// only returns a text in which each character other than letters and digits of ASCII, and those of more, is replaced.
func only(text string, replacement rune, more string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(more, r) {
			return r
		}
		return replacement
	}, text)
}

// comment returns a line of a comment in a shell or in YAML. Nothing of the arguments ends the line.
func comment(format string, args ...any) string {
	return "# " + plan.OneLine(fmt.Sprintf(format, args...)) + "\n"
}

// title returns a comment that names a task.
func title(p plan.Plan, t plan.Task) string {
	text := fmt.Sprintf("%s task %s", t.Runtime, t.Name)
	if s, ok := p.Stage(t.Stage); ok {
		text += " of " + s.String()
	}
	if place := t.Origin.Position(); place != "" {
		text += " (" + place + ")"
	}
	return comment("%s", text)
}

// network returns the network that a container joins. Compose names the default network of a project after the project.
func network(c plan.Container) string {
	if c.Compose != "" {
		return c.Compose + "_default"
	}
	return c.Network
}

// securityOptions returns the values of Docker's --security-opt.
func securityOptions(s plan.Security) []string {
	var all []string
	for _, option := range []struct {
		text string
		set  bool
	}{
		{"no-new-privileges", s.NoNewPrivileges}, {"seccomp=unconfined", s.Seccomp == "Unconfined"}, {"systempaths=unconfined", s.UnmaskedProc},
	} {
		if option.set {
			all = append(all, option.text)
		}
	}
	return all
}

// tmpfsOptions returns the options of a mount of tmpfs. By default Docker does not let programs in it run, but a cluster does.
func tmpfsOptions(t plan.Tmpfs) string {
	options := fmt.Sprintf("exec,size=%d,mode=1777", t.SizeBytes)
	if t.ReadOnly {
		options += ",ro"
	}
	return options
}

// differences returns comments about what an engine does differently without ktask.
func differences(c plan.Container) string {
	var b strings.Builder
	seen := map[string]string{}
	for _, t := range c.Tmpfs {
		if first := seen[t.Name]; first != "" {
			b.WriteString(comment("ktask mounts one volume at %s and %s; here each is empty at first", first, t.Path))
			continue
		}
		seen[t.Name] = t.Path
	}
	if c.Security.RunAsNonRoot {
		b.WriteString(comment("ktask refuses an image whose user is root"))
	}
	return b.String()
}

func toYAML(value any) (string, error) {
	text, err := yaml.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("write YAML: %w", err)
	}
	return string(text), nil
}
