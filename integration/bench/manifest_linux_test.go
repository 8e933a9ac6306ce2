package bench

import (
	"fmt"
	"strings"
)

// definition returns a KeptnTaskDefinition. The lines of spec are indented by two.
func definition(name, spec string) string {
	return fmt.Sprintf("apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: %s}\nspec:\n%s\n", name, spec)
}

// container returns the spec of a task that runs a command in busybox. argv is a YAML list, fields are other lines of the
// container.
func container(argv string, fields ...string) string {
	lines := append([]string{"  container:", "name: c", "image: " + busybox, "imagePullPolicy: IfNotPresent", "command: " + argv}, fields...)
	return strings.Join(lines, "\n    ")
}

// inline returns the spec of a deno or python task.
func inline(runtime, code string) string {
	return fmt.Sprintf("  %s:\n    inline:\n      code: |\n        %s\n    parameters:\n      map: {name: Keptn}", runtime, code)
}

// many returns definitions that differ in their names.
func many(n int, spec string) string {
	var text strings.Builder
	for i := range n {
		text.WriteString("---\n" + definition(fmt.Sprint("task-", i), spec))
	}
	return text.String()
}
