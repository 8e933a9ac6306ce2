// Package newest is a module of its own in which integration/tasktest and its tests are built with the newest
// testcontainers-go, beside the version of the module of ktask:
//
//	go -C integration/newest test github.com/ktask/ktask/integration/tasktest
package newest

import _ "github.com/ktask/ktask/integration/tasktest"
