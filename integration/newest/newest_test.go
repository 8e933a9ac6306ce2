package newest

// What the tests of integration/tasktest import: go mod tidy keeps it in go.mod for them.
import (
	_ "github.com/lib/pq"
	_ "github.com/testcontainers/testcontainers-go/network"
)
