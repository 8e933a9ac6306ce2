package spec

import (
	"cmp"
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
		kinds := api.Kinds(group)
		if kinds[kind] != nil && strings.HasPrefix(kind, "Keptn") {
			return true // most kinds are: compare it with no other
		}
		for known := range kinds {
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

// read reports whether ktask reads objects of the type.
func (t objectType) read() bool {
	return t.group == "" && (t.kind == "ConfigMap" || t.kind == "Secret") || hasKinds(t.group) || isWorkload(t.group, t.kind)
}

// hasKinds reports whether a group is one of Keptn or ktask's own.
func hasKinds(group string) bool { return slices.Contains(allGroups(), group) }

func allGroups() []string { return append(api.Groups(), api.OwnGroup) }

// object reads an object, or the items of a typed list. Objects that ktask does not read are counted.
func (l *loader) object(o *object, t objectType) {
	o.version, o.kind = t.version, t.kind
	switch m := &l.manifests; {
	case !checkType(o, t):
	case !t.read():
		m.Foreign++
		switch {
		case t.group == "batch":
			o.warnJob()
		case t == objectType{version: "v1", kind: "Service"}:
			meta := o.node.Field("metadata")
			if name := text(meta.Field("name")); name != "" {
				m.Services = append(m.Services, ServiceName{cmp.Or(text(meta.Field("namespace")), l.options.Namespace), name})
			}
		}
	case t.list:
		l.items(o, t.apiVersion(), t.kind)
	case isWorkload(t.group, t.kind):
		if w := readWorkload(o); w != nil {
			m.Workloads = append(m.Workloads, w)
		} else {
			m.Foreign++
		}
	default:
		l.ownKind(o)
	}
}

// ownKind reads an object of a kind that is not a workload.
func (l *loader) ownKind(o *object) {
	m := &l.manifests
	if meta := o.node.Field("metadata"); !runs(o.kind) && meta.Field("name") == nil && meta.Field("generateName") != nil {
		m.Foreign++ // nothing can refer to it
		return
	}
	if isKeptnKind(o.kind) {
		defer o.reportTemplates(o.templates(), len(o.problems))
	}
	switch o.kind {
	case "ConfigMap":
		readData(l, o, &m.ConfigMaps, readConfigMap)
	case "Secret":
		readData(l, o, &m.Secrets, readSecret)
	case "KeptnTaskDefinition":
		keep(l, o, &m.Definitions, readDefinition(o))
	case "KeptnTask":
		keep(l, o, &m.Tasks, readTask(o))
	case "KeptnApp":
		keep(l, o, &m.Apps, readApp(o))
	case "KeptnAppContext":
		keep(l, o, &m.AppContexts, readAppContext(o))
	case "KeptnConfig":
		keep(l, o, &m.Configs, readConfig(o))
	case "TaskTest":
		if l.options.Tests {
			keep(l, o, &m.Tests, readTaskTest(o))
		} else {
			m.Foreign++
		}
	default:
		m.Foreign++
		m.Ignored++
	}
}

// runs reports whether ktask runs objects of a kind, or reads them to decide what runs.
func runs(kind string) bool {
	return slices.Contains([]string{"KeptnTaskDefinition", "KeptnTask", "KeptnApp", "KeptnAppContext", "KeptnConfig", "TaskTest"}, kind)
}

// checkType reports whether a type is valid, as far as it is one of Keptn or of version v1, or seems to be. If not, that is a problem.
func checkType(o *object, t objectType) bool {
	kind, apiVersion := o.top().At("kind"), o.top().At("apiVersion")
	misspelt := miscased(t.written(), coreKinds())
	versions, known := api.Kinds(t.group)[t.kind]
	switch {
	case t.group == "" && misspelt != "":
		o.fail(kind, "unknown-kind", fmt.Sprintf("did you mean %q?", misspelt), "there is no %s in version %q", t.written(), t.version)
	case t.group == "" && (t.kind == "ConfigMap" || t.kind == "Secret"):
		if t.version == "v1" {
			return true
		}
		o.fail(apiVersion, "unknown-version", "use apiVersion: v1", "there is no %s in version %q", t.kind, t.version)
	case !hasKinds(t.group):
		ownKind := t.kind == "TaskTest" && isSlip(t.group, api.OwnGroup)
		if !ownKind && !isKeptnKind(t.kind) && !namesKeptn(t.apiVersion()) {
			return true
		}
		o.fail(apiVersion, "unknown-group", home(t), "there is no %s in apiVersion %q", t.written(), t.apiVersion())
	case !known:
		o.fail(kind, "unknown-kind", nearKind(t), "group %s has no kind %q", t.group, t.written())
	case !slices.Contains(versions, t.version):
		o.fail(apiVersion, "unknown-version", "it has "+strings.Join(versions, ", "), "%s has no version %q of %s", t.group, t.version, t.kind)
	default:
		return true
	}
	return false
}

// nearKind returns the remedy for a kind that its group of Keptn does not have, or "".
func nearKind(t objectType) string {
	elsewhere := strings.EqualFold(t.kind, "List")
	for _, other := range allGroups() {
		elsewhere = elsewhere || api.Kinds(other)[t.kind] != nil
	}
	if elsewhere {
		return home(t)
	}
	if near := Nearest(t.kind, slices.Sorted(maps.Keys(api.Kinds(t.group)))); near != "" {
		return fmt.Sprintf("did you mean %q?", objectType{kind: near, list: t.list}.written())
	}
	return ""
}

// home returns the remedy for a kind, or a list of it, in the wrong group: the right group, and the right kind if it is misspelt.
func home(t objectType) string {
	if strings.EqualFold(t.kind, "List") {
		return "use apiVersion: v1"
	}
	groups := map[string]string{}
	for _, group := range allGroups() {
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
