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

// readContainer checks a container as the API server checks the pod of Keptn's Job (validateContainer in k8s.io/kubernetes
// pkg/apis/core/validation), and reports the fields that ktask does not support.
func readContainer(p part, raw *corev1.Container) *Container {
	if raw == nil {
		raw = &corev1.Container{}
	}
	checkIdentity(p, raw)
	checkEnv(p.in("env"), raw.Env)
	checkEnvFrom(p.in("envFrom"), raw.EnvFrom)
	checkResources(p.in("resources"), raw.Resources)
	checkMounts(p.in("volumeMounts"), raw)
	checkSecurity(p.in("securityContext"), raw.SecurityContext)
	checkPorts(p.in("ports"), raw.Ports)
	checkProbes(p, raw)
	checkLifecycle(p.in("lifecycle"), raw.Lifecycle)
	checkResizePolicy(p.in("resizePolicy"), raw.ResizePolicy)
	checkSupport(p)
	return &Container{Container: *raw, cursor: p.cursor}
}

func checkIdentity(p part, c *corev1.Container) {
	if !p.missing(c.Name, "name") {
		p.refused(validation.IsDNS1123Label(c.Name), p.At("name"), "invalid-name", "%q is not a valid container name", c.Name)
	}
	checkMessagePath(p.in("terminationMessagePath"), c.TerminationMessagePath)
	switch _, err := reference.ParseNormalizedNamed(c.Image); {
	case p.missing(c.Image, "image"):
	case strings.TrimSpace(c.Image) != c.Image:
		p.fail(p.At("image"), "invalid-value", "", "image %q has blanks around it", c.Image)
	case err != nil:
		p.fail(p.At("image"), "invalid-value", "", "image %q is not a valid image name, and in a cluster its pod would wait forever: %v", c.Image, err)
	}
	if dir := c.WorkingDir; dir != "" && !strings.HasPrefix(dir, "/") {
		remedy := "write /" + dir
		if strings.ContainsAny(dir, "$~") {
			remedy = "nothing is expanded there: write the path itself"
		}
		p.fail(p.At("workingDir"), "invalid-path", remedy, "workingDir %q must be an absolute path", dir)
	}
	p.oneOf(string(c.ImagePullPolicy), []string{"Always", "IfNotPresent", "Never"}, "imagePullPolicy")
	p.oneOf(string(c.TerminationMessagePolicy), []string{"File", "FallbackToLogsOnError"}, "terminationMessagePolicy")
}

func checkEnv(list part, variables []corev1.EnvVar) {
	names := seen{}
	for p, e := range items(list, variables) {
		if p.missing(e.Name, "name") {
			continue
		}
		p.refused(validation.IsEnvVarName(e.Name), p.At("name"), "invalid-name", "%q is not a valid variable name", e.Name)
		names.once(p, "name", e.Name, fmt.Sprintf("variable %q", e.Name))
		if e.ValueFrom == nil {
			continue
		}
		if e.Value != "" {
			p.fail(p.At("valueFrom"), "conflict", "keep one of them", "variable %q has a value and a valueFrom", e.Name)
		}
		checkValueFrom(p.in("valueFrom"), e.ValueFrom)
	}
}

func checkValueFrom(p part, from *corev1.EnvVarSource) {
	count := 0
	if ref := from.SecretKeyRef; ref != nil {
		count++
		checkKeyRef(p.in("secretKeyRef"), ref.Name, ref.Key)
	}
	if ref := from.ConfigMapKeyRef; ref != nil {
		count++
		checkKeyRef(p.in("configMapKeyRef"), ref.Name, ref.Key)
	}
	if ref := from.FieldRef; ref != nil {
		count++
		p.missing(ref.FieldPath, "fieldRef", "fieldPath")
		p.oneOf(ref.APIVersion, []string{"v1"}, "fieldRef", "apiVersion")
	}
	if ref := from.ResourceFieldRef; ref != nil {
		count++
		p.missing(ref.Resource, "resourceFieldRef", "resource")
	}
	p.exactlyOne(count, "secretKeyRef, configMapKeyRef, fieldRef and resourceFieldRef")
}

// checkKeyRef checks a reference to a key. Name and key are required even if the reference is optional.
func checkKeyRef(p part, name, key string) {
	if !p.missing(name, "name") {
		p.in("name").reference(name)
	}
	if !p.missing(key, "key") {
		p.refused(validation.IsConfigMapKey(key), p.At("key"), "invalid-key", "%s %q is not a valid key", p.At("key").Field, key)
	}
}

func checkEnvFrom(list part, sources []corev1.EnvFromSource) {
	for p, from := range items(list, sources) {
		count := 0
		check := func(field, name string) {
			count++
			p.missing(name, field, "name")
			p.in(field, "name").reference(name)
		}
		if ref := from.ConfigMapRef; ref != nil {
			check("configMapRef", ref.Name)
		}
		if ref := from.SecretRef; ref != nil {
			check("secretRef", ref.Name)
		}
		p.exactlyOne(count, "configMapRef and secretRef")
		if from.Prefix != "" {
			p.refused(validation.IsEnvVarName(from.Prefix), p.At("prefix"), "invalid-name", "prefix %q cannot start a variable name", from.Prefix)
		}
	}
}

// checkMounts checks mounts. They can only name the one volume that Keptn makes: an emptyDir with the name of the first mount.
func checkMounts(list part, c *corev1.Container) {
	paths := seen{}
	for p, m := range items(list, c.VolumeMounts) {
		if p.missing(m.Name, "name") || p.missing(m.MountPath, "mountPath") {
			continue
		}
		p.refused(validation.IsDNS1123Label(m.Name), p.At("name"), "invalid-name", "%q is not a valid volume name", m.Name)
		if first := c.VolumeMounts[0].Name; m.Name != first && first != "" {
			p.fail(p.At("name"), "no-such-volume", fmt.Sprintf("mount %q, or put it under a path of that volume", first),
				"there is no volume %q: Keptn makes one, named like the first mount", m.Name)
		}
		paths.once(p, "mountPath", m.MountPath, fmt.Sprintf("mountPath %q", m.MountPath))
		if strings.Trim(m.MountPath, "/.") == "" {
			p.fail(p.At("mountPath"), "invalid-path", "mount it below, for example at /cache", "mountPath %q would replace the whole root file system", m.MountPath)
		}
		checkPlainPath(p.in("mountPath"), "mountPath", m.MountPath)
		if strings.Contains(m.MountPath, ":") {
			p.fail(p.At("mountPath"), "invalid-path", "", "mountPath %q contains a colon", m.MountPath)
		}
		checkSubPath(p, m)
		checkPropagation(p, m, c.SecurityContext != nil && isTrue(c.SecurityContext.Privileged))
	}
}

// checkPlainPath refuses characters that some engines read as options of the mount.
func checkPlainPath(p part, field, path string) {
	if strings.ContainsFunc(path, func(r rune) bool { return r == ',' || r == '"' || unicode.IsControl(r) }) {
		p.fail(p.At(), "invalid-path", "use a path without them", "%s %q contains a comma, a quote or a control character", field, path)
	}
}

// checkMessagePath checks the path of the termination message, at which a file is mounted.
func checkMessagePath(p part, path string) {
	const field = "terminationMessagePath"
	if path == "" {
		return
	}
	if !strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/") || slices.Contains(strings.Split(path, "/"), "..") || strings.Trim(path, "/.") == "" {
		p.fail(p.At(), "invalid-path", "write it as in /dev/termination-log", "%s %q must be the absolute path of a file, without ..", field, path)
	}
	checkPlainPath(p, field, path)
}

func checkSubPath(p part, m corev1.VolumeMount) {
	if m.SubPath != "" && m.SubPathExpr != "" {
		p.fail(p.At("subPathExpr"), "conflict", "keep one of them", "subPath and subPathExpr exclude each other")
	}
	for field, value := range map[string]string{"subPath": m.SubPath, "subPathExpr": m.SubPathExpr} {
		if strings.HasPrefix(value, "/") || slices.Contains(strings.Split(value, "/"), "..") {
			p.fail(p.At(field), "invalid-path", "", "%s %q must be a relative path within the volume, without ..", field, value)
		}
	}
}

func checkPropagation(p part, m corev1.VolumeMount, privileged bool) {
	propagation, recursive := stringOf(m.MountPropagation), stringOf(m.RecursiveReadOnly)
	p.oneOf(propagation, []string{"None", "HostToContainer", "Bidirectional"}, "mountPropagation")
	p.oneOf(recursive, []string{"Disabled", "IfPossible", "Enabled"}, "recursiveReadOnly")
	if propagation == "Bidirectional" && !privileged {
		p.fail(p.At("mountPropagation"), "conflict", "", "mountPropagation Bidirectional is for privileged containers")
	}
	if recursive != "Enabled" && recursive != "IfPossible" {
		return
	}
	if !m.ReadOnly {
		p.fail(p.At("recursiveReadOnly"), "conflict", "add readOnly: true", "recursiveReadOnly %s is for mounts that are readOnly", recursive)
	}
	if propagation != "" && propagation != "None" {
		p.fail(p.At("recursiveReadOnly"), "conflict", "keep one of them", "recursiveReadOnly %s excludes mountPropagation %s", recursive, propagation)
	}
}

func stringOf[T ~string](value *T) string {
	if value == nil {
		return ""
	}
	return string(*value)
}
