package plan

import "fmt"

// PullPolicy is Kubernetes' imagePullPolicy.
type PullPolicy string

// PullCredential is what a pull secret has for the registry of an image.
type PullCredential struct {
	// Secret is the name of the Secret.
	Secret string
	// Auth is "user:password".
	Auth   Secret
	Origin Origin
}

// String returns the name of the Secret and its origin.
func (c PullCredential) String() string {
	return fmt.Sprintf("Secret %q (%s)", c.Secret, c.Origin)
}
