package command

// example is a command with what it is for.
type example struct{ command, comment string }

// examples are shown at the top of the help of each command. The key is the name of the command as it is typed.
var examples = map[string][]example{
	"": {
		{"ktask run task.yaml", "run the tasks of a file"},
		{"ktask plan --explain task.yaml", "show what run would do, and why"},
		{"ktask validate k8s/", "what is wrong, without an engine"},
		{"ktask list k8s/", "which tasks and apps there are"},
		{"ktask doctor", "which engine there is"},
	},
	"run": {
		{"ktask run task.yaml", "all tasks of a file"},
		{"helm template . | ktask run -", "of standard input"},
		{"ktask run k8s/ -t smoke -p url=http://web", "one task, with a parameter"},
		{"ktask run k8s/ --secret token=env:TOKEN", "with a secret from a variable"},
		{"ktask run k8s/ --app shop --stage pre", "what runs before a deployment"},
	},
	"init": {
		{"ktask init", "hello.yaml, a python task"},
		{"ktask init smoke-test", "smoke-test.yaml"},
		{"ktask init deno", "with TypeScript"},
		{"ktask init container db", "db.yaml, with a container"},
		{"ktask run hello.yaml", "and run it"},
	},
	"plan": {
		{"ktask plan task.yaml", "the container that run would start"},
		{"ktask plan task.yaml --explain", "and where each value comes from"},
		{"ktask plan k8s/ -t 'deploy-*'", "of some tasks"},
		{"ktask plan k8s/ --app shop", "of all stages of a deployment"},
		{"ktask plan task.yaml -o docker", "as docker run; -o compose, -o job"},
	},
	"test": {
		{"ktask test", "the tests in this directory"},
		{"ktask test k8s/ -run 'smoke/'", "the cases of one test"},
		{"ktask test --update", "write what was seen as expected"},
		{"ktask test -j 1 --junit report.xml", "one by one, with a report"},
		{"ktask validate k8s/", "only check the test files"},
	},
	"shell": {
		{"ktask shell smoke-test", "a task of this directory"},
		{"ktask shell k8s/ -t smoke-test", "a task of another one"},
		{"ktask shell smoke-test --after-failure", "where it has failed"},
		{"ktask shell task.yaml -p url=http://web", "with a parameter"},
		{"ktask shell task.yaml --network none", "without a network"},
	},
	"validate": {
		{"ktask validate k8s/", "every file below a directory"},
		{"kustomize build . | ktask validate -", "of standard input"},
		{"ktask validate --tracked .", "as a clone of the repository has them"},
		{"ktask validate k8s/ -o github", "as annotations of a pull request"},
		{"ktask validate k8s/ -o sarif", "for code scanning"},
	},
	"list": {
		{"ktask list k8s/", "tasks, definitions and apps"},
		{"ktask list k8s/ -t 'deploy-*'", "those of a name"},
		{"ktask list k8s/ -l team=a", "those with a label"},
		{"ktask list k8s/ -q", "only the names"},
		{"ktask list k8s/ -o json", "for programs"},
	},
	"images": {
		{"ktask images k8s/", "which images tasks need"},
		{"ktask images k8s/ -o json", "for programs"},
		{"ktask images build", "build those of deno and python"},
		{"ktask images pull k8s/", "before the network is gone"},
		{"ktask images save -o images.tar k8s/", "for a machine without a network"},
	},
	"images build": {
		{"ktask images build", "those of deno and of python"},
		{"ktask images build python", "one of them"},
		{"ktask images build python --tag py:1", "with a name of your own"},
		{"ktask images build --base debian:trixie", "on another Debian"},
		{"ktask images build --build-arg http_proxy", "with a variable passed on"},
	},
	"images pull": {
		{"ktask images pull k8s/", "what the engine lacks"},
		{"ktask images pull k8s/ --pull always", "what the registry has now"},
		{"ktask images pull k8s/ -t smoke", "of one task"},
		{"ktask images pull k8s/ --locked", "what ktask.lock has"},
		{"ktask images pull -q k8s/", "without progress"},
	},
	"images save": {
		{"ktask images save -o images.tar k8s/", "to a file"},
		{"ktask images save -o - k8s/ | xz >i.xz", "to standard output"},
		{"ktask images save -o i.tar k8s/ -t smoke", "of one task"},
	},
	"images load": {
		{"ktask images load images.tar", "from a file"},
		{"xzcat i.xz | ktask images load -", "from standard input"},
	},
	"lock": {
		{"ktask lock k8s/", "write ktask.lock"},
		{"ktask lock k8s/ --pull always", "with what the registry has now"},
		{"ktask run k8s/ --locked", "run exactly that"},
		{"ktask images pull k8s/ --locked", "pull exactly that"},
		{"ktask run k8s/ --locked --offline", "without a network"},
	},
	"clean": {
		{"ktask clean", "what killed runs left, and what is kept"},
		{"ktask clean --dry-run", "only list it"},
		{"ktask clean 3f2a9c", "of one run"},
		{"ktask clean --all", "also what may be in use elsewhere"},
		{"ktask clean -o json", "for programs"},
	},
	"doctor": {
		{"ktask doctor", "the engine that run would use"},
		{"ktask doctor --host ssh://me@box", "another one"},
		{"ktask doctor --docker-context colima", "that of a Docker context"},
		{"ktask doctor -o json", "for programs"},
		{"ktask doctor && ktask run k8s/", "exit code 3 if no task can run"},
	},
	"config": {
		{"ktask config", "what ktask run would use here"},
		{"ktask config -p url=http://web -j 2", "with these flags"},
		{"ktask config -o json", "for programs"},
	},
	"trust": {
		{"ktask trust", "the .ktask.yaml here"},
		{"ktask trust ../shop", "that of another directory"},
		{"ktask trust --revoke", "take it back"},
	},
	"schema": {
		{"ktask schema >keptn.schema.json", "for editors"},
	},
	"completion": {
		{"source <(ktask completion bash)", "in ~/.bashrc"},
		{"ktask completion zsh >\"${fpath[1]}/_ktask\"", "zsh, once"},
		{"ktask completion fish >~/.config/fish/completions/ktask.fish", "fish, once"},
		{"ktask completion powershell >>$PROFILE", "PowerShell, once"},
	},
	"version": {
		{"ktask version", "the version of ktask, and of Go"},
		{"ktask version -o json", "for programs"},
	},
	"help": {
		{"ktask help run", "the flags of a command"},
		{"ktask help images pull", "of a command of a command"},
		{"ktask help topics", "which topics there are"},
		{"ktask help exit-codes", "a topic"},
	},
}
