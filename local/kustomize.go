package local

import (
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/ktask/ktask/spec"
)

// kustomizations are the kustomizations of a directory, by the directories that they are in.
type kustomizations map[string]*kustomization

// kustomization is the part of a kustomization that says which files are not manifests by themselves.
type kustomization struct {
	file string

	Resources, Bases, Components []string
	Patches, PatchesJSON6902     []struct{ Path string }
	PatchesStrategicMerge        []string
}

// isKustomization reports whether kustomize reads a file of this name for its directory.
func isKustomization(name string) bool {
	return slices.Contains([]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}, filepath.Base(name))
}

// readKustomizations reads the kustomizations among files. One that cannot be read lists nothing.
func readKustomizations(files []string) kustomizations {
	all := kustomizations{}
	for _, name := range files {
		if !isKustomization(name) {
			continue
		}
		k := &kustomization{file: name}
		if data, err := ReadFile(name, MaxManifest); err == nil {
			_ = yaml.Unmarshal(data, k) // kustomize reports what is wrong
		}
		all[filepath.Dir(name)] = k
	}
	return all
}

// patches returns the files that change other objects. An item of patchesStrategicMerge may be a patch instead of a file.
func (all kustomizations) patches() map[string]bool {
	files := map[string]bool{}
	for dir, k := range all {
		paths := slices.Clone(k.PatchesStrategicMerge)
		for _, p := range slices.Concat(k.Patches, k.PatchesJSON6902) {
			paths = append(paths, p.Path)
		}
		for _, path := range paths {
			files[filepath.Join(dir, path)] = !slices.Contains(k.Resources, path)
		}
	}
	return files
}

// of returns the kustomization that has a file among its resources, as the argument of kubectl kustomize, or "".
func (all kustomizations) of(name string) string {
	for dir := filepath.Dir(name); ; dir = filepath.Dir(dir) {
		if k := all[dir]; k != nil && slices.ContainsFunc(k.Resources, func(r string) bool { return filepath.Join(dir, r) == name }) {
			return ShellPath(dir)
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// warnings returns a warning for each kustomization that no other one includes.
func (all kustomizations) warnings() spec.Problems {
	included := map[string]bool{}
	for dir, k := range all {
		for _, path := range slices.Concat(k.Resources, k.Bases, k.Components) {
			included[filepath.Join(dir, path)] = true
		}
	}
	var warnings spec.Problems
	for dir, k := range all {
		if !included[dir] {
			warnings = append(warnings, spec.Problem{
				Pos: spec.Pos{File: filepath.ToSlash(filepath.Clean(k.file))}, Severity: spec.Warning, Rule: "kustomization",
				Message: "kustomize changes the manifests of this directory, but ktask reads them unchanged and without the patches",
				Remedy:  "run what kustomize builds: kubectl kustomize " + ShellPath(dir) + " | ktask run -",
			})
		}
	}
	return warnings
}

// ShellPath returns a path as it is typed in a shell.
func ShellPath(path string) string {
	path = filepath.ToSlash(filepath.Clean(path))
	if strings.ContainsAny(path, " \t\n'\"\\$`*?[](){}<>|&;#~!") {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
