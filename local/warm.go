package local

// With Options.Warm, a run leaves containers for the next one: they are started, and wait for what they run (see
// docker.Engine.Ready). A process holds them, the pool. It is the guardian of a run, which goes on after the run; later runs use
// it instead of making another one. So there is one pool for each engine and version of ktask, with a number of containers for
// each of the needs of the last run. It ends after some idle minutes.
//
// The processes talk at a socket in the directory of this user's runs, one JSON value for each request and answer. A run that
// takes a container holds its connection until it has removed the container; if the connection ends before, the pool removes
// it. If the pool is killed, the containers that wait end by themselves; one that a run has taken is claimed by that run.

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/owner"
	"github.com/ktask/ktask/local/internal/guard"
)

const (
	// poolIdle is how long a pool waits for a request. The containers wait longer.
	poolIdle = 2 * time.Minute
	// poolAnswers is how long a run waits for an answer of a pool.
	poolAnswers = time.Second
	// longestSocket is the longest path of a socket on macOS; Linux has four bytes more.
	longestSocket = 103
	// MostWarm is the largest number of containers that are prepared for each of the needs of a run.
	MostWarm = 64
)

// poolRequest is a request to a pool. One field is set.
type poolRequest struct {
	// Take asks for a container with these needs.
	Take string `json:",omitempty"`
	// Fill sets what the pool prepares.
	Fill *poolFill `json:",omitempty"`
	// End ends the pool, which answers when it has removed everything.
	End bool `json:",omitempty"`
}

type poolFill struct {
	Count int
	Needs []string
}

// poolAnswer is the answer to a request.
type poolAnswer struct {
	Handover *docker.Handover `json:",omitempty"`
	// On is the place of the engine that has the container.
	On string `json:",omitempty"`
}

// WarmPool returns the pool of an engine for docker.Options.Pool. It need not exist yet. A version of ktask has a pool of its own.
func WarmPool(runs owner.Runs, o EngineOptions, version string) (docker.Pool, error) {
	dir, err := runs.Directory()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(requestedEngine{EngineOptions: o.absolute()})
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(append(text, version...))
	path := filepath.Join(dir, fmt.Sprintf("warm-%x", hash[:4]))
	if len(path) > longestSocket {
		return nil, fmt.Errorf("%s is too long for a socket (set XDG_RUNTIME_DIR to a directory with a shorter name)", path)
	}
	return poolClient{path: path, runs: runs}, nil
}

// poolClient makes requests to the pool at a socket.
type poolClient struct {
	path string
	runs owner.Runs
}

// request makes a request. The connection stays open; ok is false if there is no pool.
func (c poolClient) request(r poolRequest, within time.Duration) (conn net.Conn, answer poolAnswer, ok bool) {
	conn, err := net.DialTimeout("unix", c.path, poolAnswers)
	if err != nil {
		return nil, answer, false
	}
	_ = conn.SetDeadline(time.Now().Add(within))
	err = json.NewEncoder(conn).Encode(r)
	if err == nil {
		err = json.NewDecoder(conn).Decode(&answer)
	}
	if err != nil {
		_ = conn.Close()
		return nil, answer, false
	}
	_ = conn.SetDeadline(time.Time{})
	return conn, answer, true
}

// Take implements docker.Pool.
func (c poolClient) Take(needs string) (h docker.Handover, done func(), ok bool) {
	conn, answer, ok := c.request(poolRequest{Take: needs}, poolAnswers)
	if !ok {
		return h, nil, false
	}
	if answer.Handover == nil {
		_ = conn.Close()
		return h, nil, false
	}
	// The run of the container is the pool's. If that is killed, this claim keeps other runs from removing the container.
	claim, err := c.runs.Claim(answer.Handover.ID)
	if err != nil {
		_ = conn.Close()
		return h, nil, false
	}
	claim.On(answer.On)
	return *answer.Handover, func() {
		_, _ = io.WriteString(conn, guard.Dismissed) // fails if the pool is gone
		_ = conn.Close()
		claim.Release()
	}, true
}

// fill sets what the pool prepares. It reports whether there is a pool.
func (c poolClient) fill(f poolFill) bool {
	conn, _, ok := c.request(poolRequest{Fill: &f}, poolAnswers)
	if ok {
		_ = conn.Close()
	}
	return ok
}

// EndWarm ends the pools of the runs of this user, and returns how many there were.
func EndWarm(runs owner.Runs) (count int) {
	dir, err := runs.Directory()
	if err != nil {
		return 0
	}
	for _, socket := range poolSockets(dir) {
		conn, _, ok := poolClient{path: socket}.request(poolRequest{End: true}, time.Minute)
		if ok {
			count++
			_ = conn.Close()
		}
	}
	return count
}

// poolSockets returns the sockets of pools in a directory. Those of pools that were killed are removed.
func poolSockets(dir string) []string {
	sockets, _ := filepath.Glob(filepath.Join(dir, "warm-*")) // errors are those of the pattern
	return slices.DeleteFunc(sockets, func(socket string) bool {
		conn, err := net.DialTimeout("unix", socket, poolAnswers)
		if err == nil {
			_ = conn.Close()
		}
		dead := errors.Is(err, syscall.ECONNREFUSED)
		if dead {
			_ = os.Remove(socket)
		}
		return dead
	})
}
