package parity

// Step is what changes between two sides.
type Step string

// The steps: from local semantics to those of a cluster on Docker, and from Docker to a cluster.
const (
	Semantics Step = "semantics"
	Engine    Step = "engine"
)

// Explanation names the rule of docs/fidelity.md because of which facts differ.
type Explanation struct {
	Step Step
	// What and Definitions are regular expressions of names of facts and of definitions. Definitions may be empty, for all of them.
	What, Definitions string
	Heading           string
}

// Explanations are the differences that are known. Of several that match the first one counts.
var Explanations = []Explanation{
	{Semantics, "message of start .*", "deadline", "Grace after the stop signal"},
	{Semantics, "exit codes|message of start .*|output|status", "", "Restart count of a Job"},
	{Semantics, "reason|message", "", "Reasons of a failure"},
	{Semantics, "mount /d", "volume.*", "Volume across attempts"},
	{Engine, "env KUBERNETES_.*|limit (cpu.shares|pids.max)|process (Seccomp|oom_score_adj)|sysctl .*|mount .*/serviceaccount", "", "Surroundings of a process"},
	{Engine, "env (HOSTNAME|NAME)", "", "Name of the pod"},
	{Engine, "message of start .*", "not-found|not-executable", "Reasons of a failure"},
	{Engine, "exit codes|message( of start .*)?", "non-root-refused|image-missing", "Retried without end"},
}
