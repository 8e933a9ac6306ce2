// Package owner tells whose something on an engine is, and whether that process is still at work.
//
// In comes the text of a label, out goes a Fate. An engine may be shared: by users, by parallel runs, by containers
// and by machines. So nothing here guesses: Dead is what this system can prove, all else is Alive or Unknown. The
// package reads what the operating system says of processes, and never touches one.
package owner

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Process is a process, told apart from every other one on whatever machine.
type Process struct {
	// Machine is a hash of the machine's own id and its name, or "" where the system has no such id. The name is in
	// it because machines that are copied from one image share the id.
	Machine string
	// Boot is a hash of the id of the running kernel, or "" where Start is absolute.
	Boot string
	// Space is the process id namespace in which PID holds, or "" where the system has but one.
	Space string
	PID   int
	// Start is when the process started, in the system's own unit, or "" where it does not say. It tells the
	// process from a later one that got its id.
	Start string
}

// Fate is what is known of a process.
type Fate int

// The values of Fate.
const (
	// Unknown is a process of another machine or namespace, or one that cannot be looked at.
	Unknown Fate = iota
	Alive
	// Dead is a process that has ended for certain.
	Dead
)

// ended is the start of a process that has ended and that its parent has not yet asked about.
const ended = "ended"

// String gives the fate as a word.
func (f Fate) String() string { return [...]string{"unknown", "alive", "dead"}[f] }

// Self is this process.
func Self() Process {
	p := system()
	p.PID = os.Getpid()
	if p.Machine != "" || p.Boot != "" {
		p.Start, _ = started(p.PID) // "" where it fails: nobody will then take this process for dead
	}
	return p
}

// The text of a Process, and what stands in it for a field that is empty.
const (
	format = "v1"
	none   = "-"
)

// String is the label's text: "v1 machine boot space pid start".
func (p Process) String() string {
	fields := []string{format, p.Machine, p.Boot, p.Space, strconv.Itoa(p.PID), p.Start}
	for i, f := range fields {
		if f == "" {
			fields[i] = none
		}
	}
	return strings.Join(fields, " ")
}

// Parse reads what String wrote; ok is false for any other text.
func Parse(text string) (p Process, ok bool) {
	fields := strings.Split(text, " ")
	if len(fields) != 6 || fields[0] != format {
		return Process{}, false
	}
	pid, err := strconv.Atoi(fields[4])
	if err != nil || pid < 1 {
		return Process{}, false
	}
	for i, f := range fields {
		if f == none {
			fields[i] = ""
		}
	}
	return Process{Machine: fields[1], Boot: fields[2], Space: fields[3], PID: pid, Start: fields[5]}, true
}

// Judge says what has become of other, as far as p can know. p is Self.
//
// Under the same kernel and in the same namespace the process itself is looked at. A kernel that no longer runs has
// no processes; that it was this machine's is believed of whole machines only: containers of one image share a
// machine id, wherever they run.
func (p Process) Judge(other Process) Fate {
	switch {
	case other.Start == "" || other.Machine == "" && other.Boot == "":
		return Unknown
	case p.Boot != other.Boot:
		if p.Machine != "" && p.Machine == other.Machine && p.whole() && other.whole() {
			return Dead
		}
		return Unknown
	case p.Boot == "" && p.Machine != other.Machine || p.Space != other.Space:
		return Unknown
	}
	return fate(other)
}

// fate looks at a process of this system.
func fate(p Process) Fate {
	switch exists(p.PID) {
	case Dead:
		return Dead
	case Unknown:
		return Unknown
	}
	start, err := started(p.PID)
	switch {
	case err != nil:
		return Unknown // it may have ended just now: the next one to look will know
	case start != p.Start:
		return Dead
	}
	return Alive
}

// whole says whether the process sees all of its machine.
func (p Process) whole() bool { return p.Space == "" || p.Space == initialSpace }

// hashed keeps the system's ids, which are not for others to know, out of labels.
func hashed(parts ...string) string {
	sum := sha256.Sum256([]byte("dev.ktask.owner\x00" + strings.Join(parts, "\x00")))
	return fmt.Sprintf("%x", sum[:8])
}

// machine hashes the id of the machine, "" where there is none.
func machine(id string) string {
	name, err := os.Hostname()
	if id == "" || err != nil {
		return ""
	}
	return hashed(id, name)
}
