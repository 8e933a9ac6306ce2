package spec

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ktask/ktask/spec/internal/api"
	"github.com/ktask/ktask/spec/yamltree"
)

func (l *loader) definition() {
	var raw api.Definition
	l.decode(&raw)
	meta, ok := l.meta(raw.Header)
	s := l.cursor().sub("spec")
	d := &Definition{
		Meta:    meta,
		Runner:  l.runner(raw.Spec, s),
		Retries: l.count(raw.Spec.Retries, s.sub("retries"), "retries"),
		Timeout: l.timeout(raw.Spec.Timeout, s.sub("timeout")),

		TTLSecondsAfterFinished: l.count(raw.Spec.TTLSecondsAfterFinished, s.sub("ttlSecondsAfterFinished"), "ttlSecondsAfterFinished"),
	}
	if raw.Spec.ServiceAccount != nil {
		d.ServiceAccount = required(l, raw.Spec.ServiceAccount.Name, s.sub("serviceAccount"), "name")
		l.reference(d.ServiceAccount.Value, d.ServiceAccount.Pos)
	}
	if raw.Spec.AutomountServiceAccountToken != nil {
		d.AutomountToken = required(l, raw.Spec.AutomountServiceAccountToken.Type, s.sub("automountServiceAccountToken"), "type")
	}
	d.ImagePullSecrets = l.pullSecrets(raw.Spec.ImagePullSecrets, s.sub("imagePullSecrets"))
	for field, reason := range map[string]string{
		"serviceAccount":               "there is no API server to call",
		"automountServiceAccountToken": "there is no API server to call",
		"imagePullSecrets":             "images are pulled with the credentials of docker login",
		"ttlSecondsAfterFinished":      "nothing is kept that could be removed later",
	} {
		if s.Given(field) {
			l.problem(Problem{Pos: s.At(field), Severity: Note, Rule: "no-local-meaning", Message: fmt.Sprintf("spec.%s has no effect here: %s", field, reason)})
		}
	}
	if ok && l.remember(meta) && d.Runner != nil {
		l.manifests.Definitions = append(l.manifests.Definitions, d)
	}
}

// pullSecrets returns the names of Secrets. The API server accepts an empty name with a warning.
func (l *loader) pullSecrets(raw []corev1.LocalObjectReference, s cursor) []string {
	var names []string
	for s, ref := range sound(l, s, raw) {
		switch {
		case ref.Name != "":
			names = append(names, ref.Name)
		case !l.full(Warning) && !s.bad("name") && !l.misspelt(s, "name"):
			l.warn(s.At("name"), "empty-name", "leave it out", "%s is empty, and names no Secret", s.At("name").Field)
		}
	}
	return names
}

// required returns a field of s and reports it if it is missing.
func required[T any](l *loader, value *T, s cursor, field string) Optional[T] {
	if value == nil {
		l.reportMissing(s, field)
		return Optional[T]{}
	}
	return Optional[T]{Value: *value, Given: true, Pos: s.At(field)}
}

// reportMissing reports that a field of s is missing, unless a problem of it or its misspelt name was reported.
func (l *loader) reportMissing(s cursor, field string) {
	if s.bad() || s.bad(field) || l.misspelt(s, field) {
		return
	}
	if s.root == nil && s.at != nil && s.at.Parent == nil && l.misspelt(l.cursor(), s.at.Name) {
		return
	}
	l.fail(s.At(field), "required", "", "%s is required", s.At(field).Field)
}

// misspelt reports whether a key of s that was reported is probably the misspelt name of a field.
func (l *loader) misspelt(s cursor, field string) bool {
	if s.root == nil || s.root.Kind != yamltree.Object || l.options.Lenient {
		return false
	}
	for i, key := range s.root.Keys() {
		if s.root.Values[i].Bad && Nearest(key.Text, []string{field}) == field {
			return true
		}
	}
	return false
}

func given[T any](value *T, s cursor) Optional[T] {
	if value == nil {
		return Optional[T]{}
	}
	return Optional[T]{Value: *value, Given: true, Pos: s.At()}
}

// runner returns the one runner of a definition. Like Keptn's webhook, it counts the fields that exist, even if they are empty.
func (l *loader) runner(raw api.DefinitionSpec, s cursor) Runner {
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
		if r.field == "function" && l.version != "v1" { // which does not have it
			l.warn(s.At("function"), "deprecated", `write "deno" in apiVersion lifecycle.keptn.sh/v1`, "spec.function is deprecated; it is the deno runner")
		}
		one = l.function(r.runtime, r.field, r.raw, s.sub(r.field))
	}
	if s.Given("container") {
		present = append(present, "container")
		one = l.container(raw.Container, s.sub("container"))
	}
	switch {
	case len(present) > 1:
		l.fail(s.At(present[1]), "several-runners", "keep one of them", "a definition has one runner, this one has spec.%s and spec.%s", present[0], present[1])
		return nil
	case len(present) == 0:
		for _, field := range []string{"deno", "python", "container", "function"} {
			if s.bad(field) {
				return nil // was reported
			}
		}
		if !l.unknownRunner(s) && !l.misspelt(l.cursor(), "spec") {
			l.fail(s.At(), "no-runner", "add spec.deno, spec.python or spec.container", "a definition needs a runner")
		}
	}
	return one
}

// unknownRunner reports whether a field of spec has a problem: it may be the misspelt runner.
func (l *loader) unknownRunner(s cursor) bool {
	if s.root == nil || s.root.Kind != yamltree.Object || l.options.Lenient {
		return false
	}
	for i := range s.root.Keys() {
		if s.root.Values[i].Bad {
			return true
		}
	}
	return false
}

func (l *loader) function(runtime, field string, raw *api.Function, s cursor) *Function {
	f := &Function{Runtime: runtime, Field: field, Pos: s.At()}
	if raw == nil {
		return f
	}
	f.CmdParameters = given(raw.CmdParameters, s.sub("cmdParameters"))
	if raw.Parameters != nil {
		f.Parameters = pairs(raw.Parameters.Map, s.sub("parameters", "map"))
	}
	if p := raw.SecureParameters; p != nil && p.Secret != "" {
		f.Secret = given(&p.Secret, s.sub("secureParameters", "secret"))
		l.reference(p.Secret, f.Secret.Pos)
	}
	l.sources(f, raw, s)
	return f
}

// sources sets the sources of the code in the order in which Keptn tries them (runtime_builder.go): the referenced definition,
// the inline code, the ConfigMap, the URL. Keptn ignores an empty source; it is an error only if there is no other.
func (l *loader) sources(f *Function, raw *api.Function, s cursor) {
	broken := false
	var empty []func()
	add := func(field, leaf, value string, source Source) {
		switch {
		case s.bad(field) || s.bad(field, leaf):
			broken = true
		case value != "":
			f.Sources = append(f.Sources, source)
		case leaf != "code":
			empty = append(empty, func() { l.reportMissing(s.sub(field), leaf) })
		}
	}
	if r := raw.FunctionRef; s.Given("functionRef") && r != nil {
		add("functionRef", "name", r.Name, FunctionRef{r.Name, s.At("functionRef", "name")})
		l.reference(r.Name, s.At("functionRef", "name"))
	}
	if r := raw.Inline; s.Given("inline") && r != nil {
		add("inline", "code", r.Code, Inline{r.Code, s.find("inline", "code").TextLine(), s.At("inline", "code")})
	}
	if r := raw.ConfigMapRef; s.Given("configMapRef") && r != nil {
		add("configMapRef", "name", r.Name, ConfigMapRef{r.Name, s.At("configMapRef", "name")})
		l.reference(r.Name, s.At("configMapRef", "name"))
	}
	if r := raw.HTTPRef; s.Given("httpRef") && r != nil {
		add("httpRef", "url", r.URL, HTTPRef{r.URL, s.At("httpRef", "url")})
		l.webOnly(r.URL, s.At("httpRef", "url"))
	}
	switch {
	case len(f.Sources) > 0:
	case len(empty) > 0:
		for _, report := range empty {
			report()
		}
	case !broken && !l.brokenChild(s):
		remedy := "give it one of inline, httpRef, functionRef and configMapRef"
		if s.Given("inline") {
			remedy = "inline.code is empty, which Keptn takes for none; " + remedy
		}
		l.fail(s.At(), "no-code", remedy, "%s has no code to run; in a cluster its task would stay Pending forever", s.At().Field)
	}
}

// brokenChild reports whether s or a field of it has a problem already.
func (l *loader) brokenChild(s cursor) bool {
	if s.root == nil || s.root.Bad {
		return true
	}
	if l.options.Lenient || s.root.Kind != yamltree.Object {
		return false
	}
	for _, v := range s.root.Values {
		if v.Bad {
			return true
		}
	}
	return false
}

// reference checks the name of another object.
func (l *loader) reference(name string, at Pos) {
	if name == "" {
		return
	}
	l.refused(validation.IsDNS1123Subdomain(name), at, "invalid-name", "%s %q is not a valid object name", at.Field, name)
}

// count checks a number of which Kubernetes rejects negative values, although Keptn's schema accepts them.
func (l *loader) count(value *int32, s cursor, name string) Optional[int32] {
	if value != nil && *value < 0 {
		l.fail(s.At(), "out-of-range", "write "+name+": 0", "spec.%s must be 0 or more, not %d: Kubernetes refuses such a Job, and Keptn tries to create it forever", name, *value)
		return Optional[int32]{}
	}
	return given(value, s)
}

var timeoutPattern = regexp.MustCompile(api.TimeoutPattern)

const timeoutExample = "for example 30s, 5m or 1h30m"

func (l *loader) timeout(value *string, s cursor) Optional[time.Duration] {
	if value == nil {
		return Optional[time.Duration]{}
	}
	d, err := time.ParseDuration(*value)
	fits := timeoutPattern.MatchString(*value)
	switch rest, negative := strings.CutPrefix(*value, "-"); {
	case err == nil && fits:
		return Optional[time.Duration]{Value: d, Given: true, Pos: s.At()}
	case fits:
		l.fail(s.At(), "invalid-timeout", "at most 2562047h", "spec.timeout %q is longer than a duration can be", *value)
	case negative && (timeoutPattern.MatchString(rest) || timeoutPattern.MatchString(rest+"s")):
		l.fail(s.At(), "invalid-timeout", timeoutExample, "spec.timeout %q must not be negative", *value)
	case timeoutPattern.MatchString(*value + "s"):
		l.fail(s.At(), "invalid-timeout", "a duration has a unit: "+*value+"s", "spec.timeout %q is not a valid duration", *value)
	default:
		l.fail(s.At(), "invalid-timeout", timeoutExample, "spec.timeout %q is not a valid duration", *value)
	}
	return Optional[time.Duration]{}
}

// otherScheme matches the scheme of a URL, and what looks like one in a Windows path or the name of a module.
var otherScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)

// webOnly reports a URL of a script that is neither http nor https. With other schemes, the runtimes take code from the URL
// itself, from a package registry, or from any file of the container.
func (l *loader) webOnly(url string, at Pos) {
	if scheme := strings.ToLower(otherScheme.FindString(url)); scheme != "" && scheme != "http:" && scheme != "https:" {
		l.fail(at, "url-scheme", "begin it with https:// or http://", "%s is %q, which is not on the web", at.Field, url)
	}
}
