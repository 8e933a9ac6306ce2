package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ktask/ktask/spec/internal/api"
)

// namesKeptn reports whether an API version is one of Keptn's, or a misspelt one. Other groups of Keptn, like that of Keptn 1, do
// not count.
func namesKeptn(apiVersion string) bool {
	group, _, _ := strings.Cut(apiVersion, "/")
	return slices.ContainsFunc(api.Groups(), func(known string) bool { return isSlip(group, known) })
}

// isKeptnKind reports whether a kind, or the kind of a list, is one of Keptn's, or a misspelt one.
func isKeptnKind(kind string) bool {
	if cut := len(kind) - len("List"); cut > 0 && strings.EqualFold(kind[cut:], "List") {
		kind = kind[:cut]
	}
	for _, group := range api.Groups() {
		for known := range api.Kinds(group) {
			if strings.HasPrefix(known, "Keptn") && isSlip(kind, known) { // Analysis is also a kind of other projects
				return true
			}
		}
	}
	return false
}

// coreKinds returns the kinds of version v1 that ktask reads.
func coreKinds() []string {
	return []string{"ConfigMap", "ConfigMapList", "List", "Secret", "SecretList"}
}

// miscased returns the kind that differs from the given one only in case, or "".
func miscased(kind string, kinds []string) string {
	if i := slices.IndexFunc(kinds, func(k string) bool { return k != kind && strings.EqualFold(k, kind) }); i >= 0 {
		return kinds[i]
	}
	return ""
}

// objectType is the type of an object. If the object is a typed list, kind is the kind of its items.
type objectType struct {
	group, version, kind string
	list                 bool
}

func typeOf(apiVersion, kind string) objectType {
	t := objectType{version: apiVersion, kind: kind}
	if group, version, grouped := strings.Cut(apiVersion, "/"); grouped {
		t.group, t.version = group, version
	}
	if api.Kinds(t.group)[kind] == nil && kind != "List" {
		t.kind, t.list = strings.CutSuffix(kind, "List")
	}
	return t
}

func (t objectType) apiVersion() string {
	if t.group == "" {
		return t.version
	}
	return t.group + "/" + t.version
}

// written returns the kind as it is in the manifest.
func (t objectType) written() string {
	if t.list {
		return t.kind + "List"
	}
	return t.kind
}

// object reads an object of any type.
func (l *loader) object(t objectType) {
	l.version, l.kind = t.version, t.kind
	switch {
	case t.group == "" && miscased(t.written(), coreKinds()) != "":
		l.fail(l.at("kind"), "unknown-kind", fmt.Sprintf("did you mean %q?", miscased(t.written(), coreKinds())), "there is no %s in version %q", t.written(), t.version)
	case t.group == "" && (t.kind == "ConfigMap" || t.kind == "Secret"):
		l.core(t)
	case slices.Contains(api.Groups(), t.group):
		l.keptn(t)
	case isKeptnKind(t.kind) || namesKeptn(t.apiVersion()):
		l.fail(l.at("apiVersion"), "unknown-group", home(t), "there is no %s in apiVersion %q", t.written(), t.apiVersion())
	case isWorkload(t.group, t.kind) && t.list:
		l.items(t.apiVersion(), t.kind)
	case isWorkload(t.group, t.kind):
		l.workload()
	default:
		l.manifests.Foreign++
	}
}

// core reads a ConfigMap, a Secret or a list of them.
func (l *loader) core(t objectType) {
	switch {
	case t.version != "v1":
		l.fail(l.at("apiVersion"), "unknown-version", "use apiVersion: v1", "there is no %s in version %q", t.kind, t.version)
	case t.list:
		l.items("v1", t.kind)
	case t.kind == "Secret":
		l.secret()
	default:
		l.configMap()
	}
}

// home returns the remedy for a kind, or a list of it, in the wrong group: the right group, and the right kind if it is misspelt.
func home(t objectType) string {
	if strings.EqualFold(t.kind, "List") {
		return "use apiVersion: v1"
	}
	groups := map[string]string{}
	for _, group := range api.Groups() {
		for known := range api.Kinds(group) {
			groups[known] = group
		}
	}
	near := t.kind
	if groups[near] == "" {
		near = Nearest(t.kind, slices.Sorted(maps.Keys(groups)))
	}
	if near == "" {
		return "the groups of Keptn are " + strings.Join(api.Groups(), ", ")
	}
	group := groups[near]
	remedy := "use apiVersion: " + group + "/" + api.Kinds(group)[near][len(api.Kinds(group)[near])-1]
	if near != t.kind {
		remedy += " and kind: " + objectType{kind: near, list: t.list}.written()
	}
	return remedy
}

// keptn reads an object, or a typed list, of a group of Keptn.
func (l *loader) keptn(t objectType) {
	versions, known := api.Kinds(t.group)[t.kind]
	switch {
	case !known:
		l.unknownKind(t)
		return
	case !slices.Contains(versions, t.version):
		l.fail(l.at("apiVersion"), "unknown-version", "it has "+strings.Join(versions, ", "), "%s has no version %q of %s", t.group, t.version, t.kind)
		return
	case t.list:
		l.items(t.apiVersion(), t.kind)
		return
	}
	switch t.kind {
	case "KeptnTaskDefinition":
		l.definition()
	case "KeptnTask":
		l.task()
	case "KeptnApp":
		l.app()
	case "KeptnAppContext":
		l.appContext()
	case "KeptnConfig":
		l.config()
	default:
		l.manifests.Foreign++
	}
}

func (l *loader) unknownKind(t objectType) {
	elsewhere := strings.EqualFold(t.kind, "List")
	for _, other := range api.Groups() {
		elsewhere = elsewhere || api.Kinds(other)[t.kind] != nil
	}
	remedy := ""
	if near := Nearest(t.kind, slices.Sorted(maps.Keys(api.Kinds(t.group)))); elsewhere {
		remedy = home(t)
	} else if near != "" {
		remedy = fmt.Sprintf("did you mean %q?", objectType{kind: near, list: t.list}.written())
	}
	l.fail(l.at("kind"), "unknown-kind", remedy, "group %s has no kind %q", t.group, t.written())
}
