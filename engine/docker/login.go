package docker

import (
	"encoding/base64"
	"fmt"
	"iter"
	"strings"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/registry"

	"github.com/ktask/ktask/engine/docker/endpoint"
	"github.com/ktask/ktask/engine/plan"
)

// login is what a pull authenticates with. The zero value is a pull without credentials.
type login struct {
	auth registry.AuthConfig
	// source names where the credentials come from, and renewal says what to do if they are refused.
	source, renewal string
}

// header returns the credentials in the form of the API's X-Registry-Auth header.
func (l login) header() (string, error) {
	if l.source == "" {
		return "", nil
	}
	return registry.EncodeAuthConfig(l.auth)
}

// scrub returns a text without the credentials: a registry may repeat what it refuses.
func (l login) scrub(text string) string {
	pair := l.auth.Username + ":" + l.auth.Password
	for _, secret := range []string{base64.StdEncoding.EncodeToString([]byte(pair)), pair, l.auth.Password, l.auth.IdentityToken} {
		if secret != "" && secret != ":" {
			text = strings.ReplaceAll(text, secret, plan.Mask)
		}
	}
	return text
}

// logins are those of a container's pull secrets.
type logins []login

// key distinguishes the logins from others. It holds secrets.
func (all logins) key() string {
	var b strings.Builder
	for _, l := range all {
		fmt.Fprintf(&b, "%q %q ", l.auth.Username, l.auth.Password)
	}
	return b.String()
}

// logins yields what a pull of an image can authenticate with, in the order of "Pull secrets" in docs/fidelity.md: the task's
// pull secrets, then the user's own credentials, which are not looked up before they are needed. Without any, it yields the zero login.
func (e *Engine) logins(name reference.Named, secrets logins) iter.Seq2[login, error] {
	return func(yield func(login, error) bool) {
		for _, l := range secrets {
			l.auth.ServerAddress = endpoint.ServerAddress(name) // some engines use credentials for this host alone
			if !yield(l, nil) {
				return
			}
		}
		own, err := e.stores.Credentials(name)
		if err != nil {
			yield(login{}, err)
			return
		}
		for _, c := range own {
			if !yield(login{c.Auth, fmt.Sprint(c), c.Renewal(reference.Domain(name))}, nil) {
				return
			}
		}
		if len(secrets)+len(own) == 0 {
			yield(login{}, nil)
		}
	}
}
