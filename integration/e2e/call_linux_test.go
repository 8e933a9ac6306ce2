package e2e

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ktask/ktask/integration/engines"
)

// begin starts ktask with the lasting task, through the proxy.
func (p *proxy) begin(t *testing.T) *process {
	t.Helper()
	return start(t, lasting, "run", "--image", anyBusybox, "--host", p.host, "--grace", "300ms", "-")
}

// TestCreateReachesTheEngineLate: ktask is killed when its request for a container is on the way, and the engine
// gets to it when the guardian has already looked: it goes all the same.
func TestCreateReachesTheEngineLate(t *testing.T) {
	asked, looked, made := make(chan struct{}), make(chan struct{}), make(chan struct{})
	// A run may ask for a container once more.
	asks, looks, makes := sync.OnceFunc(func() { close(asked) }), sync.OnceFunc(func() { close(looked) }), sync.OnceFunc(func() { close(made) })
	t.Cleanup(looks) // so that nothing hangs where the test has failed
	var listening atomic.Bool
	p := &proxy{
		before: func(r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/containers/create") {
				asks()
				<-looked
			}
		},
		after: func(r *http.Request) {
			switch {
			case strings.HasSuffix(r.URL.Path, "/events"):
				listening.Store(true)
			case strings.HasSuffix(r.URL.Path, "/volumes") && listening.Load(): // the last thing that is listed
				looks()
			case strings.HasSuffix(r.URL.Path, "/containers/create"):
				makes()
			}
		},
	}
	p.listen(t)
	k := p.begin(t)
	engines.Receive(t, asked, "ktask asks for a container")
	k.kill(t)
	engines.Receive(t, made, "the container is made")
	t.Logf("empty in %v", k.goneIn(t))
	k.unguarded(t)
	k.leavesNothing(t)
}

// TestSoakKilledAtEveryCall: kill -9 as each request that a run makes arrives, and as its answer leaves.
func TestSoakKilledAtEveryCall(t *testing.T) {
	var calls atomic.Int64
	count := &proxy{before: func(*http.Request) { calls.Add(1) }}
	count.listen(t)
	k := count.begin(t)
	if !k.stdout.await("ready") {
		t.Fatalf("the task did not start:\n%s", k.stderr)
	}
	all := int(calls.Load())
	k.kill(t)
	k.goneIn(t)

	var moments []int // even: as the request arrives, odd: as the answer leaves
	for m := range 2 * all {
		moments = append(moments, m)
	}
	if random := dice(t); !soaking() {
		random.Shuffle(len(moments), func(i, j int) { moments[i], moments[j] = moments[j], moments[i] })
		moments = moments[:4]
	}
	killed := []*process{k}
	for _, m := range moments {
		killed = append(killed, killedAt(t, m))
	}
	for _, k := range killed {
		k.unguarded(t)
		k.leavesNothing(t)
	}
	t.Logf("killed at %d moments of %d calls", len(moments), all)
}

// killedAt kills ktask at a moment of its run, and waits until the engine is empty.
func killedAt(t *testing.T, moment int) *process {
	t.Helper()
	var arrived, left atomic.Int64
	var name atomic.Value
	begun, due := make(chan struct{}), make(chan struct{}, 1)
	var k *process
	strike := func(count *atomic.Int64, half int, r *http.Request) {
		if count.Add(1) == int64(moment/2+1) && moment%2 == half {
			<-begun
			_ = k.Process.Kill()
			name.Store(r.Method + " " + r.URL.Path)
			due <- struct{}{}
		}
	}
	p := &proxy{
		before: func(r *http.Request) { strike(&arrived, 0, r) },
		after:  func(r *http.Request) { strike(&left, 1, r) },
	}
	p.listen(t)
	k = p.begin(t)
	close(begun)
	select {
	case <-due:
	case <-time.After(promised): // the order of calls is not the same each time: fewer answers than requests
		name.Store("its task's work")
		k.signal(t, syscall.SIGKILL)
	}
	k.end(t)
	when := []string{"as it asks for", "as it is answered to"}[moment%2]
	t.Logf("killed %s %v: empty in %v", when, name.Load(), k.goneIn(t))
	return k
}

// TestInterruptWhenTheEngineHangs: ktask ends when its user says so, be it that the third time is the charm or that
// the second one has been a while, and the guardian removes what is left when the engine is back.
func TestInterruptWhenTheEngineHangs(t *testing.T) {
	for name, signals := range map[string]int{"twice": 2, "thrice": 3} {
		t.Run(name, func(t *testing.T) {
			var hangs atomic.Bool
			back, hanging := make(chan struct{}), make(chan struct{}, 100)
			p := &proxy{before: func(r *http.Request) {
				if hangs.Load() {
					hanging <- struct{}{}
					<-back
				}
			}}
			p.listen(t)
			release := sync.OnceFunc(func() { close(back) })
			t.Cleanup(release)
			k := p.begin(t)
			k.atWork(t)
			hangs.Store(true)
			for _, answer := range []string{"stopping 1 task (up to 300ms). Press ^C again to kill.", "killing 1 task. Press ^C again to stop waiting", "gave up waiting for the engine"}[:signals] {
				k.signal(t, syscall.SIGINT)
				if !k.stderr.await(answer) {
					t.Fatalf("a signal is not answered:\n%s", k.stderr)
				}
			}
			engines.Receive(t, hanging, "a request that hangs")
			o := k.end(t).expect(t, 130)
			if !strings.Contains(o.stderr, "gave up waiting for the engine") {
				t.Errorf("stderr does not say what became of the run:\n%s", o.stderr)
			}
			if left := k.left(t); !slices.ContainsFunc(left, isRunning) {
				t.Errorf("the engine did not hang: %+v", left)
			}
			hangs.Store(false)
			release()
			t.Logf("empty in %v", k.goneIn(t))
			k.unguarded(t)
			k.leavesNothing(t)
		})
	}
}
