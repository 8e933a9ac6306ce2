package resolve

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/runtimes"
	"github.com/ktask/ktask/spec"
)

// code returns the script: a file of the container, or a URL that the runtime fetches.
func (b *functionBuilder) code(l link, runtime runtimes.Runtime) (script plan.EnvVar, files []plan.File) {
	sources := l.function.Sources
	for i, s := range sources {
		file := plan.File{Path: runtime.ScriptPath, Mode: 0o644, Origin: origin(s.At())}
		switch s := s.(type) {
		case spec.Inline:
			file.Content, file.Line, file.ConfigMap = []byte(s.Code), s.Line, inlineConfigMap(l.definition.Name)
			b.inCluster.codeElsewhere(s.Pos, inlineConfigMap(l.definition.Name), l.definition.Namespace)
			b.inCluster.codeSize(s.Pos, inlineConfigMap(l.definition.Name), len(s.Code))
		case spec.HTTPRef:
			b.checkURL(s)
			return plan.EnvVar{Value: plan.Plain(s.URL), Origin: origin(s.Pos)}, nil
		case spec.ConfigMapRef:
			namespaces := b.codeNamespaces(l.definition)
			if others := sources[i+1:]; len(others) > 0 && b.index.configMaps.absent(s.Name, namespaces) {
				fact, remedy := b.index.configMaps.absence(s.Name, namespaces)
				b.warn(s.Pos, "missing-configmap", remedy, "%q takes its code from ConfigMap %q, %s; like Keptn, ktask uses %s instead",
					l.definition.Name, s.Name, fact, others[0].At().Field)
				continue
			}
			m, ok := require(b.resolver, b.index.configMaps, s.Name, namespaces, s.Pos, "%q takes its code from", l.definition.Name)
			if !ok || !b.configMapCode(m, s, &file) {
				return script, nil
			}
			file.ConfigMap = m.Name
			b.inCluster.codeElsewhere(s.Pos, m.Name, m.Namespace)
		}
		b.warnUnusedSources(sources[i:])
		b.spend(len(file.Content))
		return plan.EnvVar{Value: plan.Plain(runtime.ScriptPath), Origin: plan.Default}, []plan.File{file}
	}
	return script, nil
}

// codeNamespaces returns the namespaces to search for the ConfigMap of a definition, first that of the definition.
func (b *functionBuilder) codeNamespaces(d *spec.Definition) []string {
	others := filter(b.namespaces, func(ns string) bool { return ns != d.Namespace })
	return append([]string{d.Namespace}, others...)
}

// configMapCode sets the content of the file to the code in a ConfigMap, or reports that it has none.
func (b *functionBuilder) configMapCode(m *spec.ConfigMap, s spec.ConfigMapRef, file *plan.File) bool {
	if m.BinaryCode != nil {
		file.Content, file.Origin = m.BinaryCode, origin(atLine(m.Pos))
		return true
	}
	keys := slices.Clone(m.BinaryKeys)
	for _, p := range m.Data {
		if p.Key == "code" {
			file.Content, file.Line, file.Origin = []byte(p.Value), m.CodeLine, origin(p.Pos)
			return true
		}
		keys = append(keys, p.Key)
	}
	slices.Sort(keys)
	b.fail(s.Pos, "configmap-without-code", keysAre(keys), `ConfigMap %q has no key "code"; in a cluster the runtime would find an empty directory instead of its script`, m.Name)
	return false
}

// The URLs that the runtimes fetch. They open anything else as a file of the image.
var (
	pythonURL = regexp.MustCompile(`^https?://`)
	denoURL   = regexp.MustCompile(`^(?i:https?):`)
)

// checkURL warns of a URL that the runtime does not fetch, or that a cluster may not reach.
func (b *functionBuilder) checkURL(s spec.HTTPRef) {
	urls := pythonURL
	if b.out.Runtime == plan.RuntimeDeno {
		urls = denoURL
	}
	if !urls.MatchString(s.URL) {
		remedy := "begin it with https:// or http://"
		if !strings.Contains(s.URL, ":") && !strings.HasPrefix(s.URL, "/") {
			remedy = "write https://" + s.URL
		}
		b.warn(s.Pos, "url-scheme", remedy, "%s is %q, which the %s runtime does not fetch: it runs a file of that name", s.Pos.Field, s.URL, b.out.Runtime)
		return
	}
	if image := b.out.Container.Image; b.out.Runtime == plan.RuntimePython {
		if o := b.replacement(image); o != nil {
			image = o.Value
		}
		b.inCluster.deadHost(s.Pos, image)
	}
}
