package engines

import (
	"testing"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"
	"github.com/testcontainers/testcontainers-go/wait"
)

// Scripts runs a server, python3 with arguments, in a container with some files, and returns the name of its network. There
// it is the host "scripts". The server prints ready when it serves.
func Scripts(t *testing.T, image, ready string, files []testcontainers.ContainerFile, arguments ...string) (networkName string) {
	t.Helper()
	t.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true") // its image cannot be pulled everywhere; the test cleans up by itself
	net, err := network.New(t.Context())
	if err != nil {
		t.Fatalf("create a network (make engine images): %v", err)
	}
	testcontainers.CleanupNetwork(t, net)
	server, err := testcontainers.Run(t.Context(), image,
		testcontainers.WithEntrypoint(append([]string{"python3"}, arguments...)...),
		testcontainers.WithFiles(files...),
		network.WithNetwork([]string{"scripts"}, net),
		// The server is for the tasks on its network: the wait needs no port of the host.
		testcontainers.WithWaitStrategyAndDeadline(Patience, wait.ForLog(ready).WithStartupTimeout(Patience)))
	testcontainers.CleanupContainer(t, server, testcontainers.StopTimeout(0))
	if err != nil {
		t.Fatalf("serve scripts (make engine images): %v", err)
	}
	return net.Name
}
