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

// object dispatches on group, version and kind.
func (l *loader) object(group, version, kind string) {
	list := false
	if group == "" && miscased(kind, coreKinds()) != "" {
		l.fail(l.at("kind"), "unknown-kind", fmt.Sprintf("did you mean %q?", miscased(kind, coreKinds())), "there is no %s in version %q", kind, version)
		return
	}
	written := kind
	if api.Kinds(group)[kind] == nil && strings.HasSuffix(kind, "List") && kind != "List" {
		kind, list = strings.TrimSuffix(kind, "List"), true
	}
	l.version, l.kind = version, kind
	switch {
	case group == "" && version == "v1" && list && (kind == "ConfigMap" || kind == "Secret"):
		l.items("v1", kind)
	case group == "" && version == "v1" && kind == "ConfigMap":
		l.configMap()
	case group == "" && version == "v1" && kind == "Secret":
		l.secret()
	case group == "" && (kind == "ConfigMap" || kind == "Secret"):
		l.fail(l.at("apiVersion"), "unknown-version", "use apiVersion: v1", "there is no %s in version %q", kind, version)
	case slices.Contains(api.Groups(), group):
		l.keptn(group, version, kind, list)
	case isKeptnKind(kind) || namesKeptn(apiVersion(group, version)):
		l.fail(l.at("apiVersion"), "unknown-group", home(kind, list), "there is no %s in apiVersion %q", written, apiVersion(group, version))
	case isWorkload(group, kind) && list:
		l.items(apiVersion(group, version), kind)
	case isWorkload(group, kind):
		l.workload()
	default:
		l.manifests.Foreign++
	}
}

func apiVersion(group, version string) string {
	if group == "" {
		return version
	}
	return group + "/" + version
}

// home returns the remedy for a kind, or a list of it, in the wrong group: the right group, and the right kind if it is misspelt.
func home(kind string, list bool) string {
	if strings.EqualFold(kind, "List") {
		return "use apiVersion: v1"
	}
	groups := map[string]string{}
	for _, group := range api.Groups() {
		for known := range api.Kinds(group) {
			groups[known] = group
		}
	}
	near := kind
	if groups[kind] == "" {
		near = Nearest(kind, slices.Sorted(maps.Keys(groups)))
	}
	if near == "" {
		return "the groups of Keptn are " + strings.Join(api.Groups(), ", ")
	}
	group := groups[near]
	remedy := "use apiVersion: " + group + "/" + api.Kinds(group)[near][len(api.Kinds(group)[near])-1]
	if near != kind {
		remedy += " and kind: " + near
		if list {
			remedy += "List"
		}
	}
	return remedy
}

func (l *loader) keptn(group, version, kind string, list bool) {
	versions, known := api.Kinds(group)[kind]
	if !known {
		l.unknownKind(group, kind, list)
		return
	}
	if !slices.Contains(versions, version) {
		l.fail(l.at("apiVersion"), "unknown-version", "it has "+strings.Join(versions, ", "), "%s has no version %q of %s", group, version, kind)
		return
	}
	switch {
	case list:
		l.items(group+"/"+version, kind)
	case kind == "KeptnTaskDefinition":
		l.definition()
	case kind == "KeptnTask":
		l.task()
	case kind == "KeptnApp":
		l.app()
	case kind == "KeptnAppContext":
		l.appContext()
	case kind == "KeptnConfig":
		l.config()
	default:
		l.manifests.Foreign++
	}
}

func (l *loader) unknownKind(group, kind string, list bool) {
	elsewhere := strings.EqualFold(kind, "List")
	for _, other := range api.Groups() {
		elsewhere = elsewhere || api.Kinds(other)[kind] != nil
	}
	suffix := ""
	if list {
		suffix = "List"
	}
	remedy := ""
	if near := Nearest(kind, slices.Sorted(maps.Keys(api.Kinds(group)))); elsewhere {
		remedy = home(kind, list)
	} else if near != "" {
		remedy = fmt.Sprintf("did you mean %q?", near+suffix)
	}
	l.fail(l.at("kind"), "unknown-kind", remedy, "group %s has no kind %q", group, kind+suffix)
}
