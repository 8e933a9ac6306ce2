package attack

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
)

// fakeEngine is a server that pings as Docker does, and answers all else as it likes.
func fakeEngine(t *testing.T, answer http.HandlerFunc) (host string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/_ping") {
			answer(w, r)
			return
		}
		w.Header().Set("Api-Version", "1.41")
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte("OK"))
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return "tcp://" + server.Listener.Addr().String()
}

// plainTask needs no image of a registry.
const plainTask = `
apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata: {name: t}
spec: {container: {name: c, image: ` + busyboxImage + `, command: ["true"]}}
`

// TestWebPageIsNoEngine has a proxy before an engine that is not there: it lets pings through, and else sends pages.
func TestWebPageIsNoEngine(t *testing.T) {
	for name, c := range map[string]struct {
		status            int
		kind, page, shown string
	}{
		"a page":          {200, "text/html; charset=utf-8", "<!DOCTYPE html><html><h1>Welcome</h1></html>", "it sends a web page (200 OK)"},
		"an error page":   {502, "text/html", "<html><h1>502 Bad Gateway</h1></html>", "it sends a web page (502 Bad Gateway)"},
		"without a type":  {200, "application/json", "<html>", "it sends no JSON"},
		"another service": {200, "text/plain", "hello", "it sends no JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			host := fakeEngine(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.page))
			})
			for _, args := range [][]string{{"clean", "--dry-run"}, {"run", "-"}, {"run", "--pull", "never", "-"}} {
				o := ktask(t, t.TempDir(), plainTask, append(args, "--host", host)...).expect(t, 3)
				o.says(t, host+" answers, but not as a Docker engine does", c.shown, "fix: ", "--host")
				if strings.Contains(o.stderr, "<h") {
					t.Errorf("%q shows the page:\n%s", args, o.stderr)
				}
			}
		})
	}
}

// TestAnswerWithoutEnd lists containers and never stops, and sends one word or one header without end.
func TestAnswerWithoutEnd(t *testing.T) {
	const most = 400 << 10 // KiB of memory that ktask may take
	chunk := []byte(strings.Repeat(`{"Id":"`+strings.Repeat("a", 64)+`","Names":["/x"],"Labels":{"dev.ktask.run":"x"}},`, 1000))
	for name, c := range map[string]struct {
		start string
		chunk []byte
	}{
		"a list":  {"[", chunk},
		"a word":  {`[{"Id":"`, bytes.Repeat([]byte("a"), 1<<16)},
		"a pull":  {`{"status":"`, bytes.Repeat([]byte("a"), 1<<16)},
		"nothing": {"", bytes.Repeat([]byte(" "), 1<<16)},
	} {
		t.Run(name, func(t *testing.T) {
			host := fakeEngine(t, func(w http.ResponseWriter, r *http.Request) {
				if name == "a pull" && !strings.HasSuffix(r.URL.Path, "/images/create") {
					http.Error(w, `{"message":"no such image"}`, http.StatusNotFound)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				for _, err := w.Write([]byte(c.start)); err == nil; {
					_, err = w.Write(c.chunk)
				}
			})
			args := []string{"clean", "--dry-run", "--host", host}
			if name == "a pull" {
				args = []string{"run", "-", "--pull", "always", "--host", host}
			}
			cmd := command(t, t.TempDir(), nil, args...)
			cmd.Stdin = strings.NewReader(plainTask)
			o := finish(t, cmd).expect(t, 3).says(t, "fix: ")
			if name != "a pull" {
				o.says(t, "more than 32 MiB")
			}
			if used := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss; used > most {
				t.Errorf("ktask took %d MiB of memory", used>>10)
			}
		})
	}
}

// TestLogOfTheLibraryIsNotPrinted has a server talk without being asked, on a connection that ktask keeps for later. Go's
// library logs that, with the words of the server.
func TestLogOfTheLibraryIsNotPrinted(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for in := bufio.NewReader(conn); ; {
					request, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					body := "[]"
					switch {
					case strings.Contains(request.URL.Path, "volumes"):
						body = "{}"
					case request.Method == http.MethodHead:
						body = ""
					}
					_, err = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%sHTTP/1.1 200 unasked \x1b[2J\r\n\r\n", len(body), body)
					if err != nil {
						return
					}
				}
			}()
		}
	}()
	for range 20 {
		o := ktask(t, t.TempDir(), "", "clean", "--dry-run", "--host", "tcp://"+listener.Addr().String())
		if strings.Contains(o.stderr, "Unsolicited") || strings.Contains(o.stderr, "\x1b") {
			t.Fatalf("the log of a library is printed: %q", o.stderr)
		}
	}
}
