package resolve

import "github.com/ktask/ktask/spec"

// AppTree is an app with the names of the definitions at each of its stages, and its workloads.
type AppTree struct {
	Name, Namespace, Version string
	Pre, Post, Promotion     []string
	Workloads                []WorkloadTree
}

// WorkloadTree is a workload of an app.
type WorkloadTree struct {
	// Name is the name of the KeptnWorkload. Source is the object that it comes from: "Deployment server".
	Name, Version, Source string
	Pre, Post             []string
}

// Apps lists the apps that Keptn would see in the manifests, whether or not their definitions are there. Objects with errors are
// left out.
func Apps(m spec.Manifests, o Options) ([]AppTree, spec.Problems) {
	o.Lenient = true // an app that Keptn would not deploy can be listed
	r := newResolver(m, o)
	var trees []AppTree
	for _, a := range findApps(r, m) {
		checkListed(r, a)
		t := AppTree{
			Name: a.name, Namespace: a.namespace, Version: a.version,
			Pre: values(r.collector, a.tasks.Pre), Post: values(r.collector, a.tasks.Post), Promotion: values(r.collector, a.tasks.Promotion),
		}
		for _, w := range a.workloads {
			t.Workloads = append(t.Workloads, WorkloadTree{
				Name: w.object(), Version: w.version, Source: w.source.Kind + " " + w.source.Name,
				Pre: values(r.collector, w.pre), Post: values(r.collector, w.post),
			})
		}
		trees = append(trees, t)
	}
	return trees, r.problems()
}

func values(c *collector, names []spec.Name) []string {
	var all []string
	for _, n := range once(c, names) {
		all = append(all, n.Value)
	}
	return all
}
