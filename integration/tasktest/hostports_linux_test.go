package tasktest

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// TestOwnAddress connects to the address of this machine, for which another loopback address stands, from there and from elsewhere.
func TestOwnAddress(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "reached") }))
	defer server.Close()
	port, own := server.Listener.Addr().(*net.TCPAddr).Port, net.IPv4(127, 0, 0, 3)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	if err := listen(ctx, &running, own.String(), port, true); err != nil {
		t.Fatal(err)
	}
	for source, reaches := range map[string]bool{"127.0.0.3": true, "127.0.0.1": false} {
		c, err := net.DialTCP("tcp", &net.TCPAddr{IP: net.ParseIP(source)}, &net.TCPAddr{IP: own, Port: port})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
		answer, _ := io.ReadAll(c)
		_ = c.Close()
		if strings.HasSuffix(string(answer), "reached") != reaches {
			t.Errorf("from %s: %q", source, answer)
		}
	}
}

// TestNoAddress asks for access from a rootless engine to a machine without a network.
func TestNoAddress(t *testing.T) {
	if _, err := (&session{}).forward(t.Context(), t, "", []int{80}); err == nil || !strings.Contains(err.Error(), "connect this machine to a network") {
		t.Errorf("error %v", err)
	}
}
