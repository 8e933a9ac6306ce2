package command

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/distribution/reference"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/resolve"
)

// taskOptions returns the input that the shared flags set.
func (s settings) taskOptions() (taskInput, error) {
	o := taskInput{Options: resolve.Options{
		Lenient:     s.yes("lenient"),
		DenoImage:   s.setting("deno-image"),
		PythonImage: s.setting("python-image"),
		Network:     s.text("network", ""),
		Compose:     s.text("compose", ""),
		Platform:    s.text("platform", ""),
	}}
	if v, ok := s.one("compose"); ok && v.text == "" {
		return o, v.wrong("the name of a compose project")
	}
	if network, compose := s.typed("network"), s.typed("compose"); network != "" && compose == "" {
		o.Compose = "" // of the file
	} else if compose != "" && network == "" {
		o.Network = ""
	}
	for _, v := range s.all("allow") {
		if !slices.Contains(resolve.Allowances(), v.text) {
			return o, v.wrong(oneOf(resolve.Allowances()))
		}
		o.Allow = append(o.Allow, v.text)
	}
	for _, v := range s.all("task") {
		o.Tasks = append(o.Tasks, v.text)
	}
	stage, err := s.choice("stage", "", "pre", "post", "promotion")
	if err != nil {
		return o, err
	}
	o.Lifecycle = resolve.Lifecycle{
		Stage: stage, App: s.text("app", ""), Workload: s.text("workload", ""),
		Promotion: s.yes("promotion"), NonBlocking: s.yes("non-blocking"),
	}
	if o.Lifecycle.Stage == "promotion" && o.Lifecycle.Workload != "" {
		return o, usagef("--stage promotion needs --app: a workload has no promotion")
	}
	var failures []error
	for _, f := range []struct {
		name string
		to   *[]resolve.Override
	}{{"env", &o.Env}, {"context", &o.Context}, {"image", &o.Images}} {
		overrides, err := s.overrides(f.name)
		*f.to = overrides
		failures = append(failures, err)
	}
	o.Selector, err = s.selector()
	failures = append(failures, err)
	failures = append(failures, s.names())
	if parts := strings.Split(o.Platform, "/"); o.Platform != "" && (len(parts) < 2 || len(parts) > 3 || slices.Contains(parts, "")) {
		failures = append(failures, usagef("--platform takes os/arch or os/arch/variant, as in linux/arm64, not %q", o.Platform))
	}
	o.Namespace, o.KeptnNamespace, err = s.namespaces()
	failures = append(failures, err)
	o.Params, err = s.params(&o.given)
	failures = append(failures, err)
	o.Secrets, err = s.secrets(&o.given)
	failures = append(failures, err, s.rules(&o.Options), s.mounts(&o.Options))
	return o, errors.Join(failures...)
}

// selector parses labels as kubectl does: several separated by commas, which must all match, with = or ==.
func (s settings) selector() ([]resolve.Override, error) {
	var all []resolve.Override
	for _, v := range s.all("selector") {
		for label := range strings.SplitSeq(v.text, ",") {
			key, text, ok := strings.Cut(label, "=")
			if !ok || key == "" || strings.HasSuffix(key, "!") {
				return nil, v.wrong("K=V, or several with commas between them, and no other conditions")
			}
			all = append(all, resolve.Override{Key: key, Value: strings.TrimPrefix(text, "="), Origin: v.origin})
		}
	}
	return all, nil
}

// names checks the names in flags like those in manifests.
func (s settings) names() error {
	for _, v := range s.all("env") {
		if name, _, ok := strings.Cut(v.text, "="); ok && name != "" && validation.IsEnvVarName(name) != nil {
			v.text = name // the value may be a secret
			return v.wrong("K=V or K, where K is the name of a variable (letters, digits, _, - and .)")
		}
	}
	for _, v := range s.all("image") {
		from, to, _ := strings.Cut(v.text, "=")
		for _, image := range []string{from, to} {
			if _, err := reference.ParseNormalizedNamed(image); err != nil {
				return v.wrong("FROM=TO, the names of two images")
			}
		}
	}
	return s.runtimeImages()
}

// runtimeImages checks the names of the images of the runtimes.
func (s settings) runtimeImages() error {
	for _, flag := range []string{"deno-image", "python-image"} {
		if v, ok := s.one(flag); ok {
			if _, err := reference.ParseNormalizedNamed(v.text); err != nil {
				return v.wrong("the name of an image")
			}
		}
	}
	return nil
}

func (s settings) setting(name string) *resolve.Setting[string] {
	if v, ok := s.one(name); ok {
		return &resolve.Setting[string]{Value: v.text, Origin: v.origin}
	}
	return nil
}

func (s settings) overrides(name string) ([]resolve.Override, error) {
	var all []resolve.Override
	for i, v := range s.all(name) {
		key, text, ok := strings.Cut(v.text, "=")
		if name == "env" && v.typed && !ok && validation.IsEnvVarName(key) == nil { // as with docker, but not in a file, which must not read the environment
			if text, ok = os.LookupEnv(key); !ok {
				continue
			}
		}
		if !ok || key == "" { // the text may be a secret
			v.said += fmt.Sprintf(", number %d", i+1)
			return nil, v.failed(errors.New("expected KEY=VALUE"))
		}
		all = append(all, resolve.Override{Key: key, Value: text, Origin: v.origin})
	}
	return all, nil
}

// rules sets the options about attempts and time.
func (s settings) rules(o *resolve.Options) error {
	if v, ok := s.one("retries"); ok {
		n, err := strconv.ParseInt(v.text, 10, 32)
		if err != nil || n < 0 {
			return v.wrong("a number from 0 up")
		}
		o.Retries = &resolve.Setting[int]{Value: int(n), Origin: v.origin}
	}
	for _, f := range []struct {
		name string
		to   **resolve.Setting[time.Duration]
	}{{"timeout", &o.Timeout}, {"grace", &o.Grace}} {
		if v, ok := s.one(f.name); ok {
			d, err := v.duration()
			if err != nil {
				return err
			}
			*f.to = &resolve.Setting[time.Duration]{Value: d, Origin: v.origin}
		}
	}
	if v, ok := s.one("pids-limit"); ok {
		n, err := strconv.ParseInt(v.text, 10, 64)
		const most = 1 << 22 // PID_MAX_LIMIT of Linux
		if err != nil || n < -1 || n == 0 || n > most {
			return v.wrong(fmt.Sprintf("a number from 1 to %d, or -1 for no limit", most))
		}
		o.Pids = &resolve.Setting[int64]{Value: max(n, 0), Origin: v.origin}
	}
	if err := s.pull(o); err != nil {
		return err
	}
	semantics, err := s.choice("semantics", string(plan.Local), string(plan.Local), string(plan.Cluster))
	if err != nil {
		return err
	}
	o.Semantics = plan.Semantics(semantics)
	if v, ok := s.one("backoff-scale"); ok {
		f, err := strconv.ParseFloat(v.text, 64)
		if err != nil || f < 0 || f > 1000 || math.IsNaN(f) {
			return v.wrong("a number from 0 to 1000")
		}
		o.BackoffScale = max(f, math.SmallestNonzeroFloat64)
	}
	return nil
}

// pull reads --pull and --offline.
func (s settings) pull(o *resolve.Options) error {
	name, err := s.choice("pull", "", "missing", "always", "never")
	if err != nil {
		return err
	}
	if s.yes("offline") {
		if name != "" && name != "never" {
			return usagef("--offline and --pull %s exclude each other", name)
		}
		v, _ := s.one("offline")
		o.Pull = &resolve.Setting[plan.PullPolicy]{Value: plan.PullNever, Origin: v.origin}
		return nil
	}
	if v, ok := s.one("pull"); ok && name != "" {
		policies := map[string]plan.PullPolicy{"missing": plan.PullIfNotPresent, "always": plan.PullAlways, "never": plan.PullNever}
		o.Pull = &resolve.Setting[plan.PullPolicy]{Value: policies[name], Origin: v.origin}
	}
	return nil
}

func (v value) duration() (time.Duration, error) {
	d, err := time.ParseDuration(v.text)
	if err == nil && d >= 0 {
		return d, nil
	}
	if _, err := strconv.ParseUint(v.text, 10, 32); err == nil {
		return 0, v.wrong("a duration, which has a unit, like " + v.text + "s")
	}
	return 0, v.wrong("a duration, like 30s or 5m")
}
