package command_test

import "testing"

// TestBareApp runs definitions that are the tasks of an app without saying so.
func TestBareApp(t *testing.T) {
	const (
		app     = "apiVersion: lifecycle.keptn.sh/v1alpha3\nkind: KeptnApp\nmetadata: {name: shop}\nspec: {version: \"1\", preDeploymentTasks: [hello]}\n"
		context = "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnAppContext\nmetadata: {name: shop}\nspec: {postDeploymentTasks: [hello]}\n"
		pods    = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    metadata:\n      labels: {keptn.sh/workload: web, keptn.sh/version: \"1\"}\n" +
			"      annotations: {keptn.sh/pre-deployment-tasks: hello}\n    spec: {containers: [{name: c, image: i:1}]}\n"
		task = "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTask\nmetadata: {name: once}\nspec: {taskDefinition: hello}\n"
		note = "this is KeptnApp shop, whose tasks run here by themselves, without its stages and its context (ktask run --app shop "
	)
	s := newShell(t, map[string]string{
		"k8s/a.yaml": hello, "k8s/app.yaml": app, "context/a.yaml": hello, "context/c.yaml": context, "pods/a.yaml": hello, "pods/w.yaml": pods,
		"once/a.yaml": hello, "once/app.yaml": app, "once/t.yaml": task, "other/a.yaml": hello, "other/b.yaml": caller, "plain/a.yaml": hello,
	})
	s.engine = passing()
	s.ktask("run", "k8s").exits(0).says("k8s/app.yaml:1:1: note: "+note+"k8s runs it as Keptn would) [bare-app]\n", "printed")
	s.ktask("plan", "k8s").exits(0).says(note + "k8s runs it")
	s.ktask("run", "context").exits(0).says("context/c.yaml:1:1: note: this is KeptnApp shop")
	s.ktask("run", "pods").exits(0).says("note: this is app web, whose tasks", "ktask run --app web pods")
	s.stdin = hello + "---\n" + app
	s.ktask("run", "-").exits(0).says("(... | ktask run --app shop - runs it as Keptn would)")
	s.ktask("run", "-q", "k8s").exits(0).hides("bare-app")
	s.ktask("run", "-t", "hello", "k8s").exits(0).hides("bare-app")
	s.ktask("run", "--app", "shop", "k8s").exits(0).hides("bare-app")
	s.ktask("run", "once").exits(0).hides("bare-app") // a KeptnTask has its own context
	s.ktask("run", "plain").exits(0).hides("bare-app")
	s.ktask("run", "other", "k8s/app.yaml", "-l", "team=none").exits(2).hides("bare-app") // nothing of the app runs
	s.ktask("validate", "k8s").exits(0).hides("bare-app")
}
