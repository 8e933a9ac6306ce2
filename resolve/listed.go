package resolve

import (
	"fmt"
	"slices"

	"github.com/ktask/ktask/spec"
)

// checkListed reports differences between the workloads of a KeptnApp and those that it lists, see "Workloads of an app" in
// docs/fidelity.md. It returns a sentence for each one.
func checkListed(r *resolver, a app) (waits []string) {
	if a.source == nil {
		return nil // Keptn makes the list
	}
	report := func(at spec.Pos, rule, remedy, format string, args ...any) {
		format += ", so Keptn would wait forever"
		if rule == "missing-workload" && !r.options.Lifecycle.chosen() { // validate may be given a part of the files
			r.warn(at, rule, remedy, format, args...)
			return
		}
		r.relax(at, rule, remedy, format, args...)
	}
	listed := func(i int) bool {
		return slices.ContainsFunc(a.source.Workloads, func(ref spec.WorkloadRef) bool { return ref.Name == "" || a.meant(ref) == i })
	}
	for i, w := range a.workloads {
		if !listed(i) && !w.source.NoPods {
			report(w.source.Pos, "unlisted-workload", fmt.Sprintf("add {name: %s, version: %q} to spec.workloads at %s", w.name, w.version, a.source.Pos),
				"%s %q is workload %q of app %q, which KeptnApp %q does not list", w.source.Kind, w.source.Name, w.name, a.name, a.name)
			waits = append(waits, waiting(a.name, w.name))
		}
	}
	for _, ref := range a.source.Workloads {
		i := a.meant(ref)
		switch {
		case ref.Name == "" || ref.Version == "" || i < 0 && (a.alone || a.unsure): // an error was reported
			continue
		case i < 0:
			report(ref.Pos, "missing-workload", "name the file that holds it too", "KeptnApp %q lists workload %q (version %q), which is not among the manifests", a.name, ref.Name, ref.Version)
		case a.workloads[i].source.NoPods:
			w := a.workloads[i].source
			report(ref.Pos, "missing-workload", "", "KeptnApp %q lists workload %q, but %s %q has no pods", a.name, ref.Name, w.Kind, w.Name)
		case objectName(ref.Name) != a.workloads[i].name:
			report(ref.Pos, "workload-name", fmt.Sprintf("write %s: %s is the name of the KeptnWorkload", a.workloads[i].name, ref.Name),
				"KeptnApp %q lists workload %q, which is not its name in the app", a.name, ref.Name)
		case ref.Name != a.workloads[i].name:
			report(ref.Pos, "workload-name", "write "+a.workloads[i].name, "KeptnApp %q lists workload %q, which Keptn calls %q", a.name, ref.Name, a.workloads[i].name)
		case ref.Version != a.workloads[i].version:
			w := a.workloads[i]
			report(ref.Pos, "workload-version", fmt.Sprintf("write version: %q, or deploy version %q", w.version, ref.Version),
				"KeptnApp %q lists workload %q with version %q, but %s %q has version %q", a.name, ref.Name, ref.Version, w.source.Kind, w.source.Name, w.version)
		default:
			continue
		}
		waits = append(waits, waiting(a.name, ref.Name))
	}
	return waits
}

// meant returns the index of the workload that a KeptnApp lists, also by the name of its KeptnWorkload, or -1.
func (a app) meant(ref spec.WorkloadRef) int {
	name := objectName(ref.Name)
	i := slices.IndexFunc(a.workloads, func(w workload) bool { return w.name == name })
	if i < 0 && !a.alone {
		i = slices.IndexFunc(a.workloads, func(w workload) bool { return w.object() == name })
	}
	return i
}

func waiting(app, workload string) string {
	return fmt.Sprintf("Keptn would wait forever for workload %s of app %s", workload, app)
}
