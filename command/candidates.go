package command

import (
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// values returns the values of a flag, each with a prefix. Names of tasks may be a list with commas.
func (l commandLine) values(command *cli.Command, flag, prefix string) []candidate {
	var all []candidate
	switch flag {
	case "task":
		given := strings.TrimPrefix(l.current, prefix)
		prefix += given[:strings.LastIndex(given, ",")+1]
		all = l.manifests().tasks()
	case "app":
		all = l.manifests().apps()
	case "workload":
		all = l.manifests().workloads()
	case "selector":
		all = l.manifests().labels()
	case "env":
		for _, pair := range os.Environ() {
			name, _, _ := strings.Cut(pair, "=")
			all = append(all, candidate{name, "the variable here"})
		}
	case "docker-context":
		all = words(local.FromEnv().EngineOptions.Contexts()...)
	case "kube-context":
		all = words(local.FromEnv().EngineOptions.Cluster.Contexts()...)
	case "output":
		all = words(formsOf(command)...)
	default:
		all = words(choices[flag]...)
	}
	for i := range all {
		all[i].text = prefix + all[i].text
	}
	return all
}

// choices are the values of flags that have few.
var choices = map[string][]string{
	"stage": {"pre", "post", "promotion"}, "semantics": {"local", "cluster"}, "pull": {"missing", "always", "never"},
	"keep": {"never", "failed", "always"}, "engine": {"docker", "kubernetes"}, "network": {"none", "bridge", "host"}, "allow": resolve.Allowances(),
}

// formsOf returns the values of --output of a command, which its usage lists, or nil if it is a file.
func formsOf(command *cli.Command) []string {
	for _, f := range command.Flags {
		if f.Names()[0] == "output" && !strings.Contains(usageOf(f), "FILE") {
			list := usageOf(f)
			list = list[strings.LastIndex(list, ":")+1:]
			return strings.Fields(strings.NewReplacer(",", " ", " or ", " ").Replace(list))
		}
	}
	return nil
}

// foundManifests is what manifests offer to a command line.
type foundManifests struct {
	m     spec.Manifests
	trees []resolve.AppTree
}

// manifests reads the manifests that the command line names, or those of .ktask.yaml, or those here.
func (l commandLine) manifests() foundManifests {
	paths := l.paths(l.current) // which is a value of a flag
	if len(paths) == 0 {
		paths = projectPaths(l.root)
	}
	return manifestsIn(paths)
}

// completeWithin is how long the manifests may take: a shell waits.
const completeWithin = 2 * time.Second

// manifestsIn reads the manifests in paths, if that takes no longer than completeWithin.
func manifestsIn(paths []string) foundManifests {
	read := make(chan foundManifests, 1)
	go func() {
		files, _ := local.ReadFiles(paths, strings.NewReader("")) // without files there are no candidates
		m, _, _ := spec.Load(files.Files, spec.Options{Namespace: local.DefaultNamespace, Lenient: true})
		apps, _ := resolve.Apps(m, resolve.Options{Namespace: local.DefaultNamespace, KeptnNamespace: local.DefaultKeptnNamespace})
		read <- foundManifests{m, apps}
	}()
	select {
	case found := <-read:
		return found
	case <-time.After(completeWithin):
		return foundManifests{}
	}
}

// projectPaths returns the paths of .ktask.yaml that are in its directory, or the current directory.
func projectPaths(root *cli.App) []string {
	f, err := findProject()
	if err != nil || f.foreign {
		return []string{"."}
	}
	p, _, err := readProject(root, f)
	if err != nil {
		return []string{"."}
	}
	var paths []string
	for _, setting := range p.settings {
		if setting.Key == "paths" && len(p.within.reaches(setting)) == 0 {
			paths = rebased(setting, p.dir).Values
		}
	}
	if len(paths) == 0 {
		return []string{"."}
	}
	return paths
}

func (f foundManifests) tasks() []candidate {
	var all []candidate
	for _, t := range f.m.Tasks {
		all = append(all, candidate{t.Name, "KeptnTask"})
	}
	for _, d := range f.m.Definitions {
		all = append(all, candidate{d.Name, "KeptnTaskDefinition"})
	}
	return once(all)
}

func (f foundManifests) apps() []candidate {
	var all []candidate
	for _, a := range f.trees {
		all = append(all, candidate{a.Name, "version " + a.Version})
	}
	return once(all)
}

func (f foundManifests) workloads() []candidate {
	var all []candidate
	for _, a := range f.trees {
		for _, w := range a.Workloads {
			all = append(all, candidate{w.Name, w.Source})
		}
	}
	return once(all)
}

func (f foundManifests) labels() []candidate {
	var all []candidate
	add := func(m spec.Meta) {
		for _, l := range m.Labels {
			all = append(all, candidate{l.Key + "=" + l.Value, "a label"})
		}
	}
	for _, t := range f.m.Tasks {
		add(t.Meta)
	}
	for _, d := range f.m.Definitions {
		add(d.Meta)
	}
	return once(all)
}

// once returns the candidates, each text once.
func once(all []candidate) []candidate {
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(c candidate) bool {
		again := seen[c.text]
		seen[c.text] = true
		return again
	})
}

func commandCandidates(commands []*cli.Command) []candidate {
	var all []candidate
	for _, c := range commands {
		if !c.Hidden {
			all = append(all, candidate{c.Name, c.Usage})
		}
	}
	return all
}

// words returns candidates without a meaning.
func words(texts ...string) []candidate {
	var all []candidate
	for _, text := range texts {
		all = append(all, candidate{text: text})
	}
	return all
}
