//go:build cluster

package kubernetes_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	api "k8s.io/client-go/tools/clientcmd/api"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/kubernetes"
	"github.com/ktask/ktask/engine/plan"
)

// counts is how far a container of counting counts.
const counts = 60

// counting returns a container that prints numbers for about fifteen seconds.
func counting() plan.Container {
	c := shell(fmt.Sprintf(`i=0; while [ $i -lt %d ]; do echo $i; i=$((i+1)); sleep 0.2; done; exit 7`, counts))
	c.Files = []plan.File{{Path: "/file", Mode: 0o444, Content: []byte("content")}}
	c.Env = []plan.EnvVar{{Name: "A", Value: plan.Hidden(plan.NewSecret("s/k", "the-secret"))}}
	return c
}

// survives runs a container that counts. fault is called while it runs, with some of the lines; the attempt must not show it.
func (s space) survives(t *testing.T, e *kubernetes.Engine, fault func(), lines ...string) {
	t.Helper()
	var want []string
	for i := range counts {
		want = append(want, strconv.Itoa(i))
	}
	var fails sync.WaitGroup
	exit, heard, err := start(t, t.Context(), e, counting(), func(line string) {
		if slices.Contains(lines, line) {
			fails.Go(fault)
		}
	})
	fails.Wait()
	if err != nil || exit.Code != 7 || exit.Stopped {
		t.Errorf("exit %+v, error %v", exit, err)
	}
	if got := heard.Lines("", engine.Stdout); !slices.Equal(got, want) {
		t.Errorf("%d lines of output, want %d: %q", len(got), counts, got)
	}
	s.nothingLeft(t)
}

// signal sends a signal to a component of the cluster, and returns when it has ended if the signal ends it.
func signal(t *testing.T, component string, s syscall.Signal) {
	text, err := os.ReadFile(filepath.Join(clusterDirectory(), "components", component))
	if err != nil {
		t.Error(err)
		return
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil || syscall.Kill(pid, s) != nil {
		t.Errorf("%s is not process %q", component, text)
		return
	}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); <-time.After(50 * time.Millisecond) {
		// A process that ended, and that nobody waits for, has no arguments.
		if args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err != nil || len(args) == 0 {
			return
		}
	}
	t.Errorf("%s has not ended", component)
}

// up starts what has ended of the cluster.
func up(t *testing.T) {
	if out, err := exec.Command(filepath.Join(clusterDirectory(), "cluster"), "up").CombinedOutput(); err != nil {
		t.Errorf("start the cluster again: %v\n%s", err, out)
	}
}

// clusterDirectory is where `make cluster` has the files of the cluster.
func clusterDirectory() string { return filepath.Dir(filepath.Dir(os.Getenv("KUBECONFIG"))) }

func TestAPIServerKilled(t *testing.T) {
	s := newSpace(t, nil)
	s.survives(t, s.engine(t), func() {
		signal(t, "kube-apiserver", syscall.SIGKILL)
		up(t)
	}, "5")
}

// TestKubeletStopped stops the kubelet until after the end of the container.
func TestKubeletStopped(t *testing.T) {
	s := newSpace(t, nil)
	s.survives(t, s.engine(t), func() {
		signal(t, "kubelet", syscall.SIGTERM)
		<-time.After(16 * time.Second)
		up(t)
	}, "5")
}

// engineThrough returns the engine of the namespace. Its requests go through a proxy, and the function change can alter the answers.
func (s space) engineThrough(t *testing.T, change func(http.ResponseWriter, *http.Request, http.Handler)) (*kubernetes.Engine, *httptest.Server) {
	t.Helper()
	config := adminConfig(t)
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	server, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	behind := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(server) }, Transport: transport, FlushInterval: -1}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { change(w, r, behind) }))
	t.Cleanup(proxy.Close)
	kubeconfig := api.NewConfig()
	kubeconfig.Clusters["proxy"] = &api.Cluster{Server: proxy.URL}
	kubeconfig.Contexts["proxy"] = &api.Context{Cluster: "proxy"}
	kubeconfig.CurrentContext = "proxy"
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*kubeconfig, file); err != nil {
		t.Fatal(err)
	}
	return connect(t, kubernetes.Options{Kubeconfigs: []string{file}, Namespace: s.name}), proxy
}

// TestConnectionsCut cuts all connections, with the watch and the log in them, again and again.
func TestConnectionsCut(t *testing.T) {
	t.Parallel()
	s := newSpace(t, nil)
	e, proxy := s.engineThrough(t, func(w http.ResponseWriter, r *http.Request, behind http.Handler) { behind.ServeHTTP(w, r) })
	s.survives(t, e, proxy.CloseClientConnections, "5", "6", "15", "20", "25", "26", "40", "59")
}

// kinds counts requests by kind: with the same method for the same resource.
type kinds struct {
	mu   sync.Mutex
	seen map[string]int
}

// next counts a request, and returns how many of its kind came before.
func (k *kinds) next(r *http.Request) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	parts := strings.Split(r.URL.Path, "/") // …/namespaces/NAME/RESOURCE[/NAME[/SUBRESOURCE]]
	i := slices.Index(parts, "namespaces")
	kind := fmt.Sprintln(r.Method, parts[min(i+2, len(parts)-1)], parts[min(i+4, len(parts)-1):], r.URL.Query().Get("watch"))
	if k.seen == nil {
		k.seen = map[string]int{}
	}
	k.seen[kind]++
	return k.seen[kind] - 1
}

// TestRefusedForNow holds that requests are repeated to which the API server answers that it has no time or that something has changed.
func TestRefusedForNow(t *testing.T) {
	t.Parallel()
	s := newSpace(t, nil)
	var k kinds
	answers := []struct {
		code   int
		reason string
	}{
		{http.StatusTooManyRequests, "TooManyRequests"}, {http.StatusServiceUnavailable, "ServiceUnavailable"},
		{http.StatusConflict, "Conflict"}, {http.StatusInternalServerError, "InternalError"},
	}
	e, _ := s.engineThrough(t, func(w http.ResponseWriter, r *http.Request, behind http.Handler) {
		n := k.next(r)
		if n >= len(answers) || n >= 2 && r.Method == http.MethodGet { // client-go waits longer and longer to watch again
			behind.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(answers[n].code)
		_, _ = fmt.Fprintf(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "not now", "reason": %q, "code": %d}`, answers[n].reason, answers[n].code)
	})
	s.survives(t, e, nil)
}

// TestAnswersLost holds that a request is repeated that was carried out, but whose answer was lost.
func TestAnswersLost(t *testing.T) {
	t.Parallel()
	s := newSpace(t, nil)
	var k kinds
	e, _ := s.engineThrough(t, func(w http.ResponseWriter, r *http.Request, behind http.Handler) {
		if r.Method != http.MethodGet && k.next(r) == 0 {
			behind.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		behind.ServeHTTP(w, r)
	})
	s.survives(t, e, nil)
}

// TestSecretLate holds that an attempt goes on whose Secret is created only after the kubelet has looked for it in vain.
func TestSecretLate(t *testing.T) {
	t.Parallel()
	s := newSpace(t, nil)
	e, _ := s.engineThrough(t, func(w http.ResponseWriter, r *http.Request, behind http.Handler) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/secrets") {
			eventually(t, "the kubelet misses the Secret", func() bool { return strings.Contains(text(t, s.list(t, "pods")), "CreateContainerConfigError") })
		}
		behind.ServeHTTP(w, r)
	})
	s.survives(t, e, nil)
}

// toBeKilled names the variable with the namespace in which a process runs an attempt until it is killed.
const toBeKilled = "KTASK_TEST_NAMESPACE"

func TestMain(m *testing.M) {
	namespace := os.Getenv(toBeKilled)
	if namespace == "" {
		os.Exit(m.Run())
	}
	e, err := kubernetes.New(kubernetes.Options{Kubeconfigs: []string{os.Getenv("KUBECONFIG")}, Namespace: namespace})
	if err != nil {
		panic(err)
	}
	c := counting()
	c.Command = plan.Texts([]string{"sleep", "2"})
	fmt.Println("ready")
	labels := engine.Labels{Run: fmt.Sprintf("killed-%d", os.Getpid()), Task: "task", Attempt: 1, Lifetime: 10 * time.Second}
	_, err = engine.Attempt(context.Background(), e, c, labels, engine.SinkFunc(func(engine.Event) {}))
	fmt.Println("over:", err)
}

// TestKilled kills processes that use the engine at 30 moments, and waits until the cluster has removed all that they made.
func TestKilled(t *testing.T) {
	t.Parallel()
	s := newSpace(t, nil)
	var all sync.WaitGroup
	turns := make(chan struct{}, 6)
	for i := range 30 {
		all.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), toBeKilled+"="+s.name)
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err == nil {
				_, err = out.Read(make([]byte, 6)) // ready
			}
			if err != nil {
				t.Error(err)
				return
			}
			<-time.After(time.Duration(i) * 120 * time.Millisecond)
			_ = cmd.Process.Kill() // it may be over
			_ = cmd.Wait()
		})
	}
	all.Wait()
	left := s.left(t)
	if len(left) < 20 {
		t.Errorf("only this was left: %q", left)
	}
	t.Logf("%d objects were left", len(left))
	// The deadline of the Jobs, the minute for which finished ones are kept, and time for the cluster.
	eventuallyWithin(t, 2*time.Minute, "all is gone", func() bool { return len(s.left(t)) == 0 })
}
