// Command reaper does the work of Ryuk, the container with which testcontainers removes what a killed suite leaves, where
// Ryuk's image cannot be pulled. It implements the protocol that https://github.com/testcontainers/moby-ryuk documents:
// each line of a connection is a set of filters, answered with ACK, and when no client has been connected for a while,
// the containers, networks and volumes that match a set are removed. Unlike Ryuk it leaves images.
package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

// socket is where testcontainers mounts the engine's socket.
const socket = "/var/run/docker.sock"

func main() {
	listener, err := net.Listen("tcp", ":"+cmp.Or(os.Getenv("RYUK_PORT"), "8080"))
	if err != nil {
		log.Fatal(err)
	}
	log.Print("Started") // testcontainers waits for this word
	removeAll(collect(listener, wait("RYUK_CONNECTION_TIMEOUT", time.Minute), wait("RYUK_RECONNECTION_TIMEOUT", 10*time.Second)))
}

// wait returns the duration that a variable names.
func wait(name string, otherwise time.Duration) time.Duration {
	if d, err := time.ParseDuration(os.Getenv(name)); err == nil {
		return d
	}
	return otherwise
}

// collect serves clients and returns the filters that they have sent when none has been connected for the time again, or
// none at all within the time first.
func collect(listener net.Listener, first, again time.Duration) []url.Values {
	connected, sent, closed := make(chan struct{}), make(chan url.Values), make(chan struct{})
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				log.Fatal(err)
			}
			connected <- struct{}{}
			go func() {
				serve(connection, sent)
				closed <- struct{}{}
			}()
		}
	}()
	var all []url.Values
	alone := time.NewTimer(first)
	for clients := 0; ; {
		select {
		case <-connected:
			clients++
			alone.Stop()
		case filters := <-sent:
			all = append(all, filters)
		case <-closed:
			if clients--; clients == 0 {
				alone.Reset(again)
			}
		case <-alone.C:
			return all
		}
	}
}

// serve reads the lines of a client until it is gone.
func serve(connection net.Conn, sent chan<- url.Values) {
	defer connection.Close()
	for lines := bufio.NewScanner(connection); lines.Scan(); {
		filters, err := url.ParseQuery(lines.Text())
		if err != nil || len(filters) == 0 {
			continue // without filters, everything on the engine would match
		}
		sent <- filters
		if _, err := fmt.Fprint(connection, "ACK\n"); err != nil {
			return
		}
	}
}

// removeAll removes what the filters match: containers first, which use the rest.
func removeAll(all []url.Values) {
	engine := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	for _, filters := range all {
		text, err := json.Marshal(filters)
		if err != nil {
			log.Fatal(err)
		}
		query := "filters=" + url.QueryEscape(string(text))
		var containers, networks []struct{ ID string }
		get(engine, "/containers/json?all=1&"+query, &containers)
		for _, c := range containers {
			remove(engine, "/containers/"+c.ID+"?force=1&v=1")
		}
		get(engine, "/networks?"+query, &networks)
		for _, n := range networks {
			remove(engine, "/networks/"+n.ID)
		}
		var volumes struct{ Volumes []struct{ Name string } }
		get(engine, "/volumes?"+query, &volumes)
		for _, v := range volumes.Volumes {
			remove(engine, "/volumes/"+v.Name+"?force=1")
		}
	}
}

func get(engine http.Client, path string, into any) {
	answer, err := engine.Get("http://engine" + path)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		log.Printf("read %s: %v", path, err)
	}
}

func remove(engine http.Client, path string) {
	request, err := http.NewRequest(http.MethodDelete, "http://engine"+path, nil)
	if err != nil {
		log.Fatal(err)
	}
	answer, err := engine.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	log.Printf("remove %s: %s", path, answer.Status)
}
