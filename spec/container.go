package spec

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// container checks a container as the API server checks the pod of Keptn's Job (validateContainer in k8s.io/kubernetes
// pkg/apis/core/validation), and reports the fields that ktask does not support.
func (l *loader) container(raw *corev1.Container, s cursor) *Container {
	if raw == nil {
		raw = &corev1.Container{}
	}
	c := containerCheck{l, raw, s}
	c.identity()
	c.env()
	c.envFrom()
	c.resources()
	c.volumeMounts()
	c.security()
	c.ports()
	c.probes()
	c.lifecycle()
	c.resizePolicy()
	l.verdicts(s)
	return &Container{Container: *raw, cursor: s}
}

type containerCheck struct {
	*loader
	raw *corev1.Container
	s   cursor
}

// within returns the check of the part of the container at s.
func (c containerCheck) within(s cursor) containerCheck { return containerCheck{c.loader, c.raw, s} }

// missing reports whether a required field is empty. If it is, that is a problem, unless the field has one already.
func (c containerCheck) missing(value string, steps ...any) bool {
	if value != "" {
		return false
	}
	last := len(steps) - 1
	c.loader.reportMissing(c.s.sub(steps[:last]...), steps[last].(string))
	return true
}

// oneOf checks a value of an enumeration. Case matters, as in Kubernetes.
func (c containerCheck) oneOf(value string, allowed []string, steps ...any) {
	if value == "" || slices.Contains(allowed, value) {
		return
	}
	remedy := DidYouMean(value, allowed)
	if remedy == "" {
		remedy = "it is one of " + strings.Join(allowed, ", ")
	}
	c.fail(c.s.At(steps...), "invalid-value", remedy, "%s cannot be %q", c.s.At(steps...).Field, value)
}

func (c containerCheck) identity() {
	if !c.missing(c.raw.Name, "name") {
		c.refused(validation.IsDNS1123Label(c.raw.Name), c.s.At("name"), "invalid-name", "%q is not a valid container name", c.raw.Name)
	}
	c.messagePath()
	switch _, err := reference.ParseNormalizedNamed(c.raw.Image); {
	case c.missing(c.raw.Image, "image"):
	case strings.TrimSpace(c.raw.Image) != c.raw.Image:
		c.fail(c.s.At("image"), "invalid-value", "", "image %q has blanks around it", c.raw.Image)
	case err != nil:
		c.fail(c.s.At("image"), "invalid-value", "", "image %q cannot be pulled from anywhere, and in a cluster its pod would wait forever: %v", c.raw.Image, err)
	}
	if dir := c.raw.WorkingDir; dir != "" && !strings.HasPrefix(dir, "/") {
		remedy := "write /" + dir
		if strings.ContainsAny(dir, "$~") {
			remedy = "nothing is expanded there: write the path itself"
		}
		c.fail(c.s.At("workingDir"), "invalid-path", remedy, "workingDir %q must be an absolute path, or no process can be started there", dir)
	}
	c.oneOf(string(c.raw.ImagePullPolicy), []string{"Always", "IfNotPresent", "Never"}, "imagePullPolicy")
	c.oneOf(string(c.raw.TerminationMessagePolicy), []string{"File", "FallbackToLogsOnError"}, "terminationMessagePolicy")
}

func (c containerCheck) env() {
	seen := map[string]cursor{}
	for s, e := range sound(c.loader, c.s.sub("env"), c.raw.Env) {
		c := c.within(s)
		if c.missing(e.Name, "name") {
			continue
		}
		c.refused(validation.IsEnvVarName(e.Name), s.At("name"), "invalid-name", "%q is not a valid variable name", e.Name)
		if first, twice := seen[e.Name]; twice {
			c.fail(s.At("name"), "duplicate-item", "keep one of them", "variable %q is given twice; the first is on line %d", e.Name, first.At().Line)
		}
		seen[e.Name] = s
		if e.ValueFrom == nil {
			continue
		}
		if e.Value != "" {
			c.fail(s.At("valueFrom"), "conflict", "keep one of them", "variable %q has a value and a valueFrom", e.Name)
		}
		c.within(s.sub("valueFrom")).valueFrom(e.ValueFrom)
	}
}

func (c containerCheck) valueFrom(from *corev1.EnvVarSource) {
	count := 0
	if ref := from.SecretKeyRef; ref != nil {
		count++
		c.within(c.s.sub("secretKeyRef")).keyRef(ref.Name, ref.Key)
	}
	if ref := from.ConfigMapKeyRef; ref != nil {
		count++
		c.within(c.s.sub("configMapKeyRef")).keyRef(ref.Name, ref.Key)
	}
	if ref := from.FieldRef; ref != nil {
		count++
		c.missing(ref.FieldPath, "fieldRef", "fieldPath")
		c.oneOf(ref.APIVersion, []string{"v1"}, "fieldRef", "apiVersion")
	}
	if ref := from.ResourceFieldRef; ref != nil {
		count++
		c.missing(ref.Resource, "resourceFieldRef", "resource")
	}
	c.exactlyOne(count, "secretKeyRef, configMapKeyRef, fieldRef and resourceFieldRef")
}

// keyRef checks a reference to a key. Name and key are required even if the reference is optional.
func (c containerCheck) keyRef(name, key string) {
	if !c.missing(name, "name") {
		c.reference(name, c.s.At("name"))
	}
	if !c.missing(key, "key") {
		c.refused(validation.IsConfigMapKey(key), c.s.At("key"), "invalid-key", "%s %q is not a valid key", c.s.At("key").Field, key)
	}
}

// exactlyOne reports it if not exactly one of the alternatives is given, unless a field of the object has a problem already.
func (c containerCheck) exactlyOne(count int, names string) {
	if count != 1 && !c.brokenChild(c.s) {
		c.fail(c.s.At(), "conflict", "", "%s needs one of %s; it has %d", c.s.At().Field, names, count)
	}
}

func (c containerCheck) envFrom() {
	for s, from := range sound(c.loader, c.s.sub("envFrom"), c.raw.EnvFrom) {
		c := c.within(s)
		count := 0
		if ref := from.ConfigMapRef; ref != nil {
			count++
			c.missing(ref.Name, "configMapRef", "name")
			c.reference(ref.Name, s.At("configMapRef", "name"))
		}
		if ref := from.SecretRef; ref != nil {
			count++
			c.missing(ref.Name, "secretRef", "name")
			c.reference(ref.Name, s.At("secretRef", "name"))
		}
		c.exactlyOne(count, "configMapRef and secretRef")
		if from.Prefix != "" {
			c.refused(validation.IsEnvVarName(from.Prefix), s.At("prefix"), "invalid-name", "prefix %q cannot start a variable name", from.Prefix)
		}
	}
}

// volumeMounts checks mounts. They can only name the one volume that Keptn makes: an emptyDir with the name of the first mount.
func (c containerCheck) volumeMounts() {
	seen := map[string]cursor{}
	for s, m := range sound(c.loader, c.s.sub("volumeMounts"), c.raw.VolumeMounts) {
		c := c.within(s)
		if c.missing(m.Name, "name") || c.missing(m.MountPath, "mountPath") {
			continue
		}
		c.refused(validation.IsDNS1123Label(m.Name), s.At("name"), "invalid-name", "%q is not a valid volume name", m.Name)
		if first := c.raw.VolumeMounts[0].Name; m.Name != first && first != "" {
			c.fail(s.At("name"), "no-such-volume", fmt.Sprintf("mount %q, or put it under a path of that volume", first),
				"there is no volume %q: Keptn makes one, named like the first mount", m.Name)
		}
		if first, twice := seen[m.MountPath]; twice {
			c.fail(s.At("mountPath"), "duplicate-item", "keep one of them", "%q is mounted twice; the first is on line %d", m.MountPath, first.At().Line)
		}
		seen[m.MountPath] = s
		if strings.Trim(m.MountPath, "/.") == "" {
			c.fail(s.At("mountPath"), "invalid-path", "mount it below, for example at /cache", "mountPath %q would take the place of the whole root file system", m.MountPath)
		}
		c.plainPath(m.MountPath, "mountPath")
		if strings.Contains(m.MountPath, ":") {
			c.fail(s.At("mountPath"), "invalid-path", "", "mountPath %q holds a colon", m.MountPath)
		}
		c.subPath(m)
		c.propagation(m)
	}
}

// plainPath refuses characters that some engines read as options of the mount.
func (c containerCheck) plainPath(path, field string) {
	if strings.ContainsFunc(path, func(r rune) bool { return r == ',' || r == '"' || unicode.IsControl(r) }) {
		c.fail(c.s.At(field), "invalid-path", "use a path without them", "%s %q holds a comma, a quote or a control character", field, path)
	}
}

// messagePath checks the path of the termination message, at which a file is mounted.
func (c containerCheck) messagePath() {
	const field = "terminationMessagePath"
	path := c.raw.TerminationMessagePath
	if path == "" {
		return
	}
	if !strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/") || slices.Contains(strings.Split(path, "/"), "..") || strings.Trim(path, "/.") == "" {
		c.fail(c.s.At(field), "invalid-path", "write it as in /dev/termination-log", "%s %q must be the absolute path of a file, without ..", field, path)
	}
	c.plainPath(path, field)
}

func (c containerCheck) subPath(m corev1.VolumeMount) {
	if m.SubPath != "" && m.SubPathExpr != "" {
		c.fail(c.s.At("subPathExpr"), "conflict", "keep one of them", "subPath and subPathExpr exclude each other")
	}
	for field, value := range map[string]string{"subPath": m.SubPath, "subPathExpr": m.SubPathExpr} {
		if strings.HasPrefix(value, "/") || slices.Contains(strings.Split(value, "/"), "..") {
			c.fail(c.s.At(field), "invalid-path", "", "%s %q must be a relative path within the volume, without ..", field, value)
		}
	}
}

func (c containerCheck) propagation(m corev1.VolumeMount) {
	propagation, recursive := stringOf(m.MountPropagation), stringOf(m.RecursiveReadOnly)
	c.oneOf(propagation, []string{"None", "HostToContainer", "Bidirectional"}, "mountPropagation")
	c.oneOf(recursive, []string{"Disabled", "IfPossible", "Enabled"}, "recursiveReadOnly")
	if propagation == "Bidirectional" && (c.raw.SecurityContext == nil || !isTrue(c.raw.SecurityContext.Privileged)) {
		c.fail(c.s.At("mountPropagation"), "conflict", "", "mountPropagation Bidirectional is for privileged containers")
	}
	if recursive != "Enabled" && recursive != "IfPossible" {
		return
	}
	if !m.ReadOnly {
		c.fail(c.s.At("recursiveReadOnly"), "conflict", "add readOnly: true", "recursiveReadOnly %s is for mounts that are readOnly", recursive)
	}
	if propagation != "" && propagation != "None" {
		c.fail(c.s.At("recursiveReadOnly"), "conflict", "keep one of them", "recursiveReadOnly %s excludes mountPropagation %s", recursive, propagation)
	}
}

func stringOf[T ~string](value *T) string {
	if value == nil {
		return ""
	}
	return string(*value)
}
