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
func (r *resolver) code(u use, l link, runtime runtimes.Runtime, image string) (script plan.EnvVar, files []plan.File) {
	sources := l.function.Sources
	for i, s := range sources {
		file := plan.File{Path: runtime.ScriptPath, Mode: 0o444, Origin: origin(s.At())}
		switch s := s.(type) {
		case spec.Inline:
			file.Content, file.Line = []byte(s.Code), s.Line
			r.codeElsewhere(u, s.Pos, inlineConfigMap(l.definition.Name), l.definition.Namespace)
			r.codeSize(s.Pos, inlineConfigMap(l.definition.Name), len(s.Code))
		case spec.HTTPRef:
			if r.fetched(s, runtime.Name) && runtime.Name == plan.RuntimePython {
				r.deadHost(s.Pos, r.replaced(image))
			}
			return plan.EnvVar{Value: plan.Plain(s.URL), Origin: origin(s.Pos)}, nil
		case spec.ConfigMapRef:
			namespaces := r.codeNamespaces(u, l.definition)
			m, ok := find(r.index.configMaps, s.Name, namespaces...)
			if !ok {
				if r.insteadOfConfigMap(u, s, sources[i+1:], namespaces) {
					continue
				}
				return script, nil
			}
			if !r.configMapCode(m, s, &file) {
				return script, nil
			}
			r.codeElsewhere(u, s.Pos, m.Name, m.Namespace)
		}
		r.unused(sources[i:])
		r.spend(u, len(file.Content))
		return plan.EnvVar{Value: plan.Plain(runtime.ScriptPath), Origin: plan.Default}, []plan.File{file}
	}
	return script, nil
}

// codeNamespaces returns the namespaces to search for the ConfigMap of a definition, first that of the definition.
func (r *resolver) codeNamespaces(u use, d *spec.Definition) []string {
	own := []string{d.Namespace}
	for _, ns := range r.namespaces(u.meta().Namespace) {
		if ns != d.Namespace {
			own = append(own, ns)
		}
	}
	return own
}

// insteadOfConfigMap reports whether another source is used in place of a missing ConfigMap.
func (r *resolver) insteadOfConfigMap(u use, s spec.ConfigMapRef, others []spec.Source, namespaces []string) bool {
	if r.broken("ConfigMap", s.Name, namespaces...) {
		return false
	}
	remedy := missing(r.index.configMaps, s.Name, namespaces...)
	if len(others) > 0 {
		r.warn(s.Pos, "missing-configmap", remedy, "there is no ConfigMap %q; %s is used instead, as Keptn does", s.Name, others[0].At().Field)
		return true
	}
	r.fail(s.Pos, "missing-configmap", remedy, "there is no ConfigMap %q with the code of %q", s.Name, u.definition.Name)
	return false
}

func (r *resolver) configMapCode(m *spec.ConfigMap, s spec.ConfigMapRef, file *plan.File) bool {
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
	if r.broken("ConfigMap", m.Name, m.Namespace) {
		return false
	}
	has := "it has no keys"
	if len(keys) > 0 {
		slices.Sort(keys)
		has = "its keys are " + enumerated(keys)
	}
	r.fail(s.Pos, "configmap-without-code", has, `ConfigMap %q has no key "code"; in a cluster the runtime would find an empty directory in place of its script`, m.Name)
	return false
}

// The URLs that the runtimes fetch. They open anything else as a file of the image.
var (
	pythonURL = regexp.MustCompile(`^https?://`)
	denoURL   = regexp.MustCompile(`^(?i:https?):`)
)

// fetched reports whether the runtime fetches the script, and warns if it does not.
func (r *resolver) fetched(s spec.HTTPRef, runtime plan.Runtime) bool {
	if runtime == plan.RuntimePython && pythonURL.MatchString(s.URL) || runtime == plan.RuntimeDeno && denoURL.MatchString(s.URL) {
		return true
	}
	remedy := "begin it with https:// or http://"
	if !strings.Contains(s.URL, ":") && !strings.HasPrefix(s.URL, "/") {
		remedy = "write https://" + s.URL
	}
	r.warn(s.Pos, "url-scheme", remedy, "%s is %q, which the %s runtime does not fetch: it runs a file of that name", s.Pos.Field, s.URL, runtime)
	return false
}
