package tasktest_test

import (
	"context"
	"fmt"

	"github.com/ktask/ktask/integration/tasktest"
)

// A task that must fail, with a parameter and a secret of the test.
func ExampleRun() {
	t := &fakeTest{ctx: context.Background()} // the *testing.T of a test

	res := tasktest.Run(t, "testdata", tasktest.Task("exit"),
		tasktest.Env("CODE", "3"), tasktest.Secret("token", "correct horse"), tasktest.Expect(tasktest.Failed))

	fmt.Println(res.Status, res.Tasks[0].ExitCode, len(res.Tasks[0].Attempts))
	fmt.Print(res.Output("exit"))
	// Output:
	// failed 3 2
	// the token is •••
	// the token is •••
}
