package api

// TaskTest is ktask's own kind: cases of a task, each with what the task gets and what is expected of it.
type TaskTest struct {
	Header `json:",inline"`
	Spec   TaskTestSpec `json:"spec"`
}

type TaskTestSpec struct {
	Task  *string    `json:"task"`
	Cases []TestCase `json:"cases"`
}

type TestCase struct {
	Name    string             `json:"name"`
	Params  map[string]*string `json:"params"`
	Secrets map[string]*string `json:"secrets"`
	Context *Context           `json:"context"`
	Env     map[string]*string `json:"env"`
	Files   map[string]*string `json:"files"`
	Retries *int32             `json:"retries"`
	Timeout *string            `json:"timeout"`
	Expect  *Expect            `json:"expect"`
}

type Expect struct {
	Status   *string `json:"status"`
	Reason   *string `json:"reason"`
	ExitCode *int32  `json:"exitCode"`
	// Output are strings and objects of the type Match.
	Output   []any   `json:"output"`
	Attempts *int32  `json:"attempts"`
	Under    *string `json:"under"`
}

// Match is an item of Expect.Output that is not a string. Not is what an item of Expect.Output is.
type Match struct {
	Regex *string `json:"regex"`
	JSON  any     `json:"json"`
	Not   any     `json:"not"`
}

// TestStatuses returns the values of Expect.Status. Other statuses mean that there is no result.
func TestStatuses() []string { return []string{"passed", "failed", "timed-out"} }
