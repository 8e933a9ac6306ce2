package command

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// completeName is the command that the scripts of the shells call.
const completeName = "__complete"

// completeWithin is how long the manifests may take: a shell waits.
const completeWithin = 2 * time.Second

// completeCommand prints what the last of its arguments can become, one candidate a line, with what it means after a tab. The arguments
// are the words of a command line after "ktask" up to the cursor. The last one has a dot before it, since some shells pass no empty word.
func (app App) completeCommand() *cli.Command {
	return &cli.Command{
		Name: completeName, Usage: "print how the words of a command line can go on", ArgsUsage: "-- [WORD...] .WORD", Hidden: true,
		Action: func(c *cli.Context) error {
			words := c.Args().Slice()
			if len(words) == 0 || !strings.HasPrefix(words[len(words)-1], ".") {
				return usagef("give the words after --, and a dot before the last one")
			}
			last := len(words) - 1
			l := commandLine{root: c.App, words: words[:last], current: words[last][1:]}
			var b strings.Builder
			for _, found := range l.candidates() {
				if strings.HasPrefix(found.text, l.current) && plainWord.MatchString(found.text) {
					fmt.Fprintf(&b, "%s\t%s\n", found.text, plan.OneLine(found.meaning))
				}
			}
			_, err := io.WriteString(app.Out, b.String())
			return err
		},
	}
}

// plainWord matches what no shell expands: names in manifests are a stranger's.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_.,/:=@+-]+$`)

// commandLine is a command line that is being typed.
type commandLine struct {
	root *cli.App
	// words are those before the current one, without "ktask".
	words   []string
	current string
}

// candidate is a word that the current one can become.
type candidate struct{ text, meaning string }

// candidates returns what the current word can become. If there are none, a shell completes the names of files.
func (l commandLine) candidates() []candidate {
	command, names := commandOf(l.root, l.words)
	switch {
	case slices.Contains(l.words, "--"):
		return nil
	case len(l.words) == 0:
		return commandCandidates(l.root.VisibleCommands())
	case command == nil:
		return nil
	case command.Name == "help" && len(l.words) == 1:
		all := commandCandidates(l.root.VisibleCommands())
		for _, t := range topics() {
			all = append(all, candidate{t.name, t.title})
		}
		return append(all, candidate{"topics", "the list of topics"})
	case command.Name == "completion" && len(l.words) == 1:
		return words(shells...)
	case command.Name == "init" && len(l.words) == 1:
		return words(starterRuntimes()...)
	}
	if last := l.words[len(l.words)-1]; strings.HasPrefix(last, "-") && !strings.Contains(last, "=") && takesValue(command, strings.TrimLeft(last, "-")) {
		return l.values(command, strings.TrimLeft(longName(command, last), "-"), "")
	}
	if flag, _, ok := strings.Cut(l.current, "="); ok && strings.HasPrefix(flag, "--") {
		return l.values(command, flag[2:], flag+"=")
	}
	if strings.HasPrefix(l.current, "-") {
		var all []candidate
		for _, f := range completed(command) {
			_, meaning := flagHelp(f)
			all = append(all, candidate{"--" + f.Names()[0], meaning})
		}
		return all
	}
	switch {
	case command.Name == "shell" && len(l.paths()) == 0:
		return manifestsIn(projectPaths(l.root)).tasks()
	case len(l.words) == names:
		return commandCandidates(command.Subcommands)
	}
	return nil
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

// paths returns the arguments before the current word that are not flags or values of them.
func (l commandLine) paths(current ...string) []string {
	typed := interspersed(l.root, slices.Concat(l.words, current))
	i := slices.Index(typed, "--")
	if i < 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(typed[i+1:]), func(path string) bool { return path == "-" })
}

// manifests reads the manifests that the command line names, or those of .ktask.yaml, or those here.
func (l commandLine) manifests() foundManifests {
	paths := l.paths(l.current) // which is a value of a flag
	if len(paths) == 0 {
		paths = projectPaths(l.root)
	}
	return manifestsIn(paths)
}

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
