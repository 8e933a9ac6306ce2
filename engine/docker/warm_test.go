package docker

import (
	"reflect"
	"testing"

	"github.com/ktask/ktask/engine/plan"
)

// TestNeedsAreComplete: each field of a container is part of its needs, is told to the program, or rules a pool out. A field that
// is none of these would be lost in a container of a pool.
func TestNeedsAreComplete(t *testing.T) {
	const (
		part  = "part of the needs"
		told  = "told to the program, or used by the run or by clusters alone"
		never = "rules a pool out"
	)
	kinds := map[string]string{
		"Name": told, "Image": part, "ImageOrigin": told, "Platform": never, "PullPolicy": told, "PullCredentials": told, "Command": told, "ServiceAccount": told, "AutomountToken": told, "ImagePullSecrets": told,
		"Args": told, "WorkingDir": part, "User": part, "Env": told, "Files": told, "Tmpfs": never, "Mounts": never, "Network": part,
		"Compose": never, "Limits": part, "Requests": told, "Security": part, "TTY": never, "Stdin": never, "Grace": part, "TerminationMessage": part, "Origins": told,
	}
	e := &Engine{}
	for _, image := range []string{"a", "other"} {
		e.images.remember(imageKey{image, ""}, imageFacts{id: image, architecture: "amd64"})
	}
	plain := plan.Container{Image: "a"}
	before, ok := e.needsOf(plain)
	if !ok {
		t.Fatal("a plain container cannot be prepared")
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[plan.Container]()) {
		c := plain
		change(t, reflect.ValueOf(&c).Elem().FieldByIndex(field.Index))
		after, ok := e.needsOf(c)
		switch kinds[field.Name] {
		case part:
			if !ok || after == before {
				t.Errorf("%s is not in %s", field.Name, after)
			}
		case told:
			if !ok || after != before {
				t.Errorf("%s changes the needs to %q", field.Name, after)
			}
		case never:
			if ok {
				t.Errorf("%s is lost", field.Name)
			}
		default:
			t.Errorf("what is %s?", field.Name)
		}
	}
}

// change sets a value to another one than zero.
func change(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString("other")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(100 << 20)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Struct: // each has a field that counts
		change(t, v.Field(0))
		if v.Type() == reflect.TypeFor[plan.Security]() {
			v.Set(reflect.ValueOf(plan.Security{NoNewPrivileges: true})) // the first field rules a pool out
		}
	default:
		t.Fatalf("a value of %v", v.Type())
	}
}
