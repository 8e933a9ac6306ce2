package resolve

import (
	"strings"

	"github.com/ktask/ktask/engine/plan"
)

// maxText is the length of the longest string that Linux passes to a process (MAX_ARG_STRLEN without the final zero).
const maxText = 128<<10 - 1

// maxExpansion is the number of bytes that $(NAME) may insert into the values of one task: the maximum that Linux passes to a process
// as arguments and environment (fs/exec.c, three quarters of 8 MiB).
const maxExpansion = 6 << 20

// maxPlan is the number of bytes of code, parameters and environments of all tasks combined. References multiply what is written
// once, like a script of 1 MiB that a thousand definitions call.
const maxPlan = 64 << 20

// perEntry is the estimated size of a variable or parameter without its text.
const perEntry = 200

// spend counts bytes of the plan. It reports the task that makes the plan too large.
func (b *builder) spend(bytes int) {
	before := b.spent
	if b.spent += bytes; before <= maxPlan && b.exhausted() {
		b.fail(b.meta().Pos, "plan-too-large", "select fewer tasks with --task", "with task %q the code, parameters and environments of all tasks are more than %d MiB", b.name(), maxPlan>>20)
	}
}

func (r *resolver) exhausted() bool { return r.spent > maxPlan }

// expand replaces $(NAME) as the kubelet does (k8s.io/kubernetes third_party/forked/golang/expansion): $$ is a
// dollar; an unknown name, and any other dollar, stays as it is. Inserted text is not expanded again. An inserted secret remains a
// secret. The result is cut if it is longer than maxText, because nested references may double it many times.
func expand(text string, lookup func(name string) (plan.Text, bool)) plan.Text {
	if strings.IndexByte(text, '$') < 0 {
		return plan.Plain(text)
	}
	var out []plan.Text
	length, closers := 0, true
	add := func(t plan.Text) {
		out = append(out, t)
		length += t.Len()
	}
	for length <= maxText {
		dollar := strings.IndexByte(text, '$')
		if dollar < 0 || dollar == len(text)-1 {
			break
		}
		add(plan.Plain(text[:dollar]))
		text = text[dollar+1:]
		end := -1
		if text[0] == '(' && closers {
			end = strings.IndexByte(text, ')')
			closers = end >= 0
		}
		switch {
		case end >= 0:
			value, ok := lookup(text[1:end])
			if !ok {
				value = plan.Plain("$" + text[:end+1])
			}
			add(value)
			text = text[end+1:]
		case text[0] == '$':
			add(plan.Plain("$"))
			text = text[1:]
		default:
			add(plan.Plain("$" + text[:1]))
			text = text[1:]
		}
	}
	return plan.Join(append(out, plan.Plain(text))...)
}
