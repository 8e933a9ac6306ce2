package command_test

import (
	"strings"
	"testing"
)

// TestPlanForOtherTools checks that each form has references to secrets, given or missing, and no value.
func TestPlanForOtherTools(t *testing.T) {
	const code = "    inline: {code: \"print('s3cr3t-value')\"}\n"
	s := newShell(t, map[string]string{
		"a.yaml": strings.Replace(secret, "    inline: {code: print(1)}\n", code, 1), "b.yaml": hello,
		"esc.yaml":   header + "metadata: {name: esc}\nspec: {python: {inline: {code: \"print('\\e[2J')\"}}}\n",
		"limit.yaml": hello + "  retries: 3\n", ".ktask.yaml": "output: job\n",
	})
	for form, reference := range map[string]string{
		"docker":  `SECURE_DATA="${SECRET_TOKEN_SECURE_DATA:?Secret token/SECURE_DATA}"`,
		"compose": "SECURE_DATA: ${SECRET_TOKEN_SECURE_DATA:?Secret token/SECURE_DATA}",
		"job":     "secretKeyRef:\n              key: SECURE_DATA\n              name: token",
	} {
		s.ktask("plan", "a.yaml", "b.yaml", "-o", form).exits(0).says(reference).hides("missing-secret")
		s.ktask("plan", "a.yaml", "b.yaml", "-o", form, "--secret", "token=s3cr3t-value").exits(0).says(reference).hides("s3cr3t")
		s.outTerm = true
		s.ktask("plan", "esc.yaml", "-o", form).exits(0).hides("\x1b")
		s.outTerm = false
	}
	s.ktask("plan", "b.yaml", "-o", "job").exits(0).says("backoffLimit: 10", "name: keptnfn-hello")
	s.ktask("plan", "b.yaml", "-o", "job", "--semantics", "local").exits(0).says("backoffLimit: 0")
	s.ktask("plan", "limit.yaml").exits(0).says("backoffLimit: 3")
	s.ktask("plan", "b.yaml", "-o", "helm").exits(2).says("docker, compose or job")
}
