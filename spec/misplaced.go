package spec

import (
	"fmt"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/ktask/ktask/spec/internal/api"
	"github.com/ktask/ktask/spec/yamltree"
)

// elsewhere returns the remedy for fields of a pod or a Job that Keptn sets itself, or that a script gets in another way.
func elsewhere(name string, function bool) string {
	switch name {
	case "backoffLimit":
		return "Keptn's name for it is spec.retries"
	case "activeDeadlineSeconds":
		return "Keptn's name for it is spec.timeout, for example 5m"
	case "volumes":
		return "leave it out: Keptn makes one volume, named like the first of spec.container.volumeMounts"
	case "restartPolicy":
		return "leave it out: the pods of Keptn have restartPolicy OnFailure"
	case "containers", "initContainers", "template":
		return "a task has one container, which is spec.container"
	case "env", "envFrom":
		if function {
			return "a script gets its values as parameters, in parameters.map; env is a field of spec.container"
		}
	case "image":
		if function {
			return "the image is a setting of the operator; here the flags --deno-image and --python-image set it"
		}
	}
	return ""
}

// renamed returns the remedy for a field of a KeptnTaskDefinition that Keptn calls otherwise, or that its runner does not have.
func renamed(name string, function, container bool) string {
	switch name {
	case "ttl", "ttlSeconds":
		return "Keptn's name for it is spec.ttlSecondsAfterFinished"
	case "serviceAccountName":
		return "Keptn's name for it is spec.serviceAccount.name"
	case "script", "source":
		if function {
			return "Keptn's name for it is inline.code"
		}
	case "parameters":
		if container {
			return "a container task gets no parameters: use spec.container.env"
		}
	case "secureParameters":
		if container {
			return "a container task gets no secureParameters: use spec.container.env with valueFrom.secretKeyRef"
		}
	}
	return ""
}

// runners reports whether the object at a level, or the only runner of the definition if it is the spec, is a script or a container.
func (s strictChecker) runners(here level) (function, container bool) {
	if here.at == nil || here.at.Parent != nil || here.at.Name != "spec" {
		return here.t == reflect.TypeFor[api.Function](), here.t == reflect.TypeFor[corev1.Container]()
	}
	spec := s.root.Field("spec")
	function = spec.Field("deno") != nil || spec.Field("python") != nil || spec.Field("function") != nil
	container = spec.Field("container") != nil
	return function && !container, container && !function
}

// level is an object on the way to a field: its type, its node, and its path.
type level struct {
	t    reflect.Type
	node *yamltree.Node
	at   *yamltree.Path
}

// step returns the level of a field or an item, or false if the type has none.
func (s strictChecker) step(from level, p *yamltree.Path) (level, bool) {
	to := level{at: p}
	switch {
	case p.IsItem && from.t.Kind() == reflect.Slice:
		to.t = from.t.Elem()
		if from.node != nil && from.node.Kind == yamltree.List && p.Index < len(from.node.Values) {
			to.node = from.node.Values[p.Index]
		}
	case !p.IsItem && from.t.Kind() == reflect.Struct:
		f, ok := s.field(from.t, p.Name)
		if !ok {
			return to, false
		}
		to.t, to.node = f.Type, from.node.Field(p.Name)
	default:
		return to, false
	}
	for to.t.Kind() == reflect.Pointer {
		to.t = to.t.Elem()
	}
	return to, true
}

// field returns a field that the version has.
func (s strictChecker) field(t reflect.Type, name string) (api.Field, bool) {
	if t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(unmarshaler) {
		return api.Field{}, false
	}
	fields := s.fields.Of(t)
	i := slices.IndexFunc(fields, func(f api.Field) bool { return f.Name == name && f.In(s.version) })
	if i < 0 {
		return api.Field{}, false
	}
	return fields[i], true
}

// levels returns the objects from the top of the document to the one at the path.
func (s strictChecker) levels(at *yamltree.Path) []level {
	if at == nil {
		return []level{{t: s.top, node: s.root}}
	}
	all := s.levels(at.Parent)
	if all == nil {
		return nil
	}
	next, ok := s.step(all[len(all)-1], at)
	if !ok {
		return nil
	}
	return append(all, next)
}

// belongs returns where a field that is unknown in the object at the path belongs, as a remedy, or "": to Keptn's own name for it,
// to an object inside of this one, to one that contains it, or to one beside it.
func (s strictChecker) belongs(name string, at *yamltree.Path) string {
	if s.top == nil {
		return ""
	}
	all := s.levels(at)
	if len(all) == 0 {
		return ""
	}
	here := all[len(all)-1]
	function, container := s.runners(here)
	if s.top == reflect.TypeFor[api.Definition]() || s.top == reflect.TypeFor[api.Task]() {
		if remedy := elsewhere(name, function); remedy != "" {
			return remedy
		}
	}
	if s.top == reflect.TypeFor[api.Definition]() {
		if remedy := renamed(name, function, container); remedy != "" {
			return remedy
		}
	}
	if here.t == reflect.TypeFor[api.Parameters]() {
		return "move it into " + at.Field("map").String()
	}
	targets := s.inside(here, name)
	for i := len(all) - 2; i >= 0 && targets == nil; i-- {
		if _, ok := s.field(all[i].t, name); ok && i > 0 && all[i].node.Field(name) == nil {
			targets = []*yamltree.Path{all[i].at.Field(name)}
		} else {
			targets = s.inside(all[i], name)
		}
	}
	switch {
	case len(targets) == 2 && at != nil && at.Parent == nil && s.top == reflect.TypeFor[api.Definition]():
		return fmt.Sprintf("move it to %s or %s", targets[0], targets[1])
	case len(targets) != 1:
		return ""
	case s.given(targets[0]):
		return "leave it out: " + targets[0].String() + " is given"
	case function && targets[0].Parent.Name == "container":
		return "it is a field of spec.container, which is another runner"
	}
	return "move it to " + targets[0].String()
}

// given reports whether the manifest has the field at a path.
func (s strictChecker) given(at *yamltree.Path) bool {
	all := s.levels(at)
	return len(all) > 0 && all[len(all)-1].node != nil
}

// inside returns the fields of a name in the objects that an object may have, or only in those that it has.
func (s strictChecker) inside(from level, name string) (possible []*yamltree.Path) {
	if from.t.Kind() != reflect.Struct {
		return nil
	}
	var given []*yamltree.Path
	for _, f := range s.fields.Of(from.t) {
		to, ok := s.step(from, from.at.Field(f.Name))
		if !ok {
			continue
		}
		if _, ok := s.field(to.t, name); !ok {
			continue
		}
		possible = append(possible, to.at.Field(name))
		if to.node != nil {
			given = append(given, to.at.Field(name))
		}
	}
	if given != nil {
		return given
	}
	return possible
}
