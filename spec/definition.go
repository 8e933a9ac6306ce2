package spec

import (
	"regexp"
	"strings"
	"unicode"

	corev1 "k8s.io/api/core/v1"

	"github.com/ktask/ktask/spec/internal/api"
)

func readDefinition(o *object) *Definition {
	var raw api.Definition
	o.decode(&raw)
	o.readMeta(raw.Header)
	s := o.top().in("spec")
	d := &Definition{
		Meta:    o.meta,
		Runner:  readRunner(s, raw.Spec),
		Retries: s.count(raw.Spec.Retries, "retries"),
		Timeout: s.duration(raw.Spec.Timeout, "timeout"),

		TTLSecondsAfterFinished: s.count(raw.Spec.TTLSecondsAfterFinished, "ttlSecondsAfterFinished"),
	}
	if raw.Spec.ServiceAccount != nil {
		account := s.in("serviceAccount")
		d.ServiceAccount = required(account, raw.Spec.ServiceAccount.Name, "name")
		account.in("name").reference(d.ServiceAccount.Value)
	}
	if raw.Spec.AutomountServiceAccountToken != nil {
		d.AutomountToken = required(s.in("automountServiceAccountToken"), raw.Spec.AutomountServiceAccountToken.Type, "type")
	}
	d.ImagePullSecrets = readPullSecrets(s.in("imagePullSecrets"), raw.Spec.ImagePullSecrets)
	for field, reason := range map[string]string{
		"serviceAccount":               "there is no API server to call",
		"automountServiceAccountToken": "there is no API server to call",
		"ttlSecondsAfterFinished":      "nothing is kept that could be removed later",
	} {
		if s.Given(field) {
			s.noEffect(s.At(field), reason)
		}
	}
	if d.Runner == nil {
		return nil
	}
	return d
}

// readPullSecrets returns the names of Secrets. The API server accepts an empty name with a warning.
func readPullSecrets(s part, raw []corev1.LocalObjectReference) []Optional[string] {
	var names []Optional[string]
	for s, ref := range items(s, raw) {
		switch {
		case ref.Name != "":
			names = append(names, given(&ref.Name, s.sub("name")))
		case !s.full(Warning) && !s.bad("name") && !s.misspelt("name"):
			s.warn(s.At("name"), "empty-name", "leave it out", "%s is empty", s.At("name").Field)
		}
	}
	return names
}

// readRunner returns the one runner of a definition. Like Keptn's webhook, it counts the fields that exist, even if they are empty.
func readRunner(s part, raw api.DefinitionSpec) Runner {
	var present []string
	var one Runner
	for _, r := range []struct {
		field, runtime string
		raw            *api.Function
	}{{"function", "deno", raw.Function}, {"deno", "deno", raw.Deno}, {"python", "python", raw.Python}} {
		if !s.Given(r.field) {
			continue
		}
		present = append(present, r.field)
		if r.field == "function" && s.version != "v1" { // which does not have it
			s.warn(s.At("function"), "deprecated", `write "deno" in apiVersion lifecycle.keptn.sh/v1`, "spec.function is deprecated; it is the deno runner")
		}
		one = readFunction(s.in(r.field), r.runtime, r.field, r.raw)
	}
	if s.Given("container") {
		present = append(present, "container")
		one = readContainer(s.in("container"), raw.Container)
	}
	switch {
	case len(present) > 1:
		s.fail(s.At(present[1]), "several-runners", "keep one of them", "a definition has one runner, this one has spec.%s and spec.%s", present[0], present[1])
		return nil
	case len(present) == 1 || s.bad("deno") || s.bad("python") || s.bad("container") || s.bad("function"):
	case s.anyBad(func(string) bool { return true }) || s.top().misspelt("spec"): // perhaps the runner
	default:
		remedy := "add spec.deno, spec.python or spec.container"
		if s.old() {
			remedy = "add spec.function, the one that " + s.version + " has"
		}
		s.fail(s.At(), "no-runner", remedy, "a definition needs a runner")
	}
	return one
}

func readFunction(s part, runtime, field string, raw *api.Function) *Function {
	f := &Function{Runtime: runtime, Field: field, Pos: s.At()}
	if raw == nil {
		return f
	}
	f.CmdParameters = given(raw.CmdParameters, s.sub("cmdParameters"))
	if raw.Parameters != nil {
		f.Parameters = pairs(raw.Parameters.Map, s.sub("parameters", "map"))
	}
	f.Secret = readSecureParameters(s.in("secureParameters"), raw.SecureParameters)
	f.Sources = readSources(s, raw)
	return f
}

// readSources returns the sources of the code in the order in which Keptn tries them (runtime_builder.go): the referenced
// definition, the inline code, the ConfigMap, the URL. Keptn ignores an empty source; it is an error only if there is no other.
func readSources(s part, raw *api.Function) []Source {
	var sources []Source
	var empty []func() // report sources without a value
	broken := false
	add := func(field, leaf, value string, source func(at Pos) Source) {
		at := s.in(field, leaf)
		switch {
		case s.bad(field) || at.bad():
			broken = true
		case value != "":
			sources = append(sources, source(at.At()))
		case leaf != "code":
			empty = append(empty, func() { s.in(field).reportMissing(leaf) })
		}
	}
	if r := raw.FunctionRef; s.Given("functionRef") && r != nil {
		add("functionRef", "name", r.Name, func(at Pos) Source { return FunctionRef{r.Name, at} })
		s.in("functionRef", "name").reference(r.Name)
	}
	if r := raw.Inline; s.Given("inline") && r != nil {
		add("inline", "code", r.Code, func(at Pos) Source { return Inline{r.Code, s.find("inline", "code").TextLine(), at} })
	}
	if r := raw.ConfigMapRef; s.Given("configMapRef") && r != nil {
		add("configMapRef", "name", r.Name, func(at Pos) Source { return ConfigMapRef{r.Name, at} })
		s.in("configMapRef", "name").reference(r.Name)
	}
	if r := raw.HTTPRef; s.Given("httpRef") && r != nil {
		add("httpRef", "url", r.URL, func(at Pos) Source { return HTTPRef{r.URL, at} })
		checkURL(s.in("httpRef", "url"), r.URL)
	}
	switch {
	case len(sources) > 0:
	case len(empty) > 0:
		for _, report := range empty {
			report()
		}
	case !broken && !s.badInside():
		remedy := "give it one of inline, httpRef, functionRef and configMapRef"
		if s.Given("inline") {
			remedy = "inline.code is empty, which Keptn ignores; " + remedy
		}
		s.fail(s.At(), "no-code", remedy, "%s has no code to run; in a cluster its task would stay Pending forever", s.At().Field)
	}
	return sources
}

// otherScheme matches the scheme of a URL, and what looks like one in a Windows path or the name of a module.
var otherScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)

// checkURL reports a URL of a script that is neither http nor https, and warns of blanks. With other schemes, the runtimes take code from the URL
// itself, from a package registry, or from any file of the container.
func checkURL(s part, url string) {
	if strings.ContainsFunc(url, unicode.IsSpace) && !helmAction.MatchString(url) {
		remedy := "remove them, or write %20"
		if !strings.ContainsFunc(strings.TrimSpace(url), unicode.IsSpace) {
			remedy = "write " + strings.TrimSpace(url)
		}
		s.warn(s.At(), "blank-in-url", remedy, "%s %q contains blanks, which a URL cannot", s.At().Field, url)
	}
	if scheme := strings.ToLower(otherScheme.FindString(url)); scheme != "" && scheme != "http:" && scheme != "https:" {
		s.fail(s.At(), "url-scheme", "begin it with https:// or http://", "%s is %q, which is neither http nor https", s.At().Field, url)
	}
}
