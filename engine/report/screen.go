package report

import (
	"strings"

	"github.com/ktask/ktask/engine/plan"
)

// screen makes the output of tasks safe for a terminal. It passes the escape sequences of colours and other attributes
// (SGR) and drops all others: those that move the cursor, clear the screen, set the title or make the terminal answer. It
// shows other control characters, and bytes that are not UTF-8, as escapes. Attributes end with their line. It writes
// sequences anew instead of passing bytes, so that a terminal cannot read a sequence that screen has not. A nil screen
// passes everything.
type screen struct {
	sequences map[stream]*sequence
	// returns passes carriage returns: for output that no name stands before, and that ktask writes nothing beside.
	returns bool
}

// newScreen returns a screen if the stream is a terminal, else nil.
func newScreen(terminal bool) *screen {
	if !terminal {
		return nil
	}
	return &screen{sequences: map[stream]*sequence{}}
}

// text returns a part of a line; ended reports whether nothing more of the line is written on the same line.
func (s *screen) text(from stream, text string, partial, ended bool) string {
	if s == nil {
		return text
	}
	q := s.sequences[from]
	if q == nil {
		q = &sequence{shows: "\t"}
		if s.returns {
			q.shows += "\r"
		}
		s.sequences[from] = q
	}
	text = q.filter(text)
	if q.painted && ended {
		text += "\x1b[0m"
		q.painted = false
	}
	if !partial {
		delete(s.sequences, from)
	}
	return text
}

// sequence is an escape sequence that has begun, as ECMA-48 has them. It lasts over the parts of a long line.
type sequence struct {
	// shows are the control characters that are passed.
	shows      string
	state      state
	parameters []byte
	// painted reports whether attributes were set since the last reset.
	painted bool
}

type state uint8

const (
	ground  state = iota
	escape        // after ESC
	control       // after CSI: parameters, then a final byte
	command       // after OSC, DCS, SOS, PM or APC: until ST or BEL
)

const esc = 0x1b

func (q *sequence) filter(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		if q.state == ground {
			plain, _, found := strings.Cut(text, "\x1b")
			b.WriteString(plan.Escape(plain, q.shows))
			text = text[len(plain):]
			if found {
				q.state, text = escape, text[1:]
			}
			continue
		}
		used := q.next(text[0], &b)
		if used {
			text = text[1:]
		}
	}
	return b.String()
}

// next reads a byte and reports whether it belongs to the sequence.
func (q *sequence) next(c byte, b *strings.Builder) bool {
	switch {
	case c == esc:
		q.state = escape // a new sequence, or the ST that ends a command
	case q.state == command:
		if c == '\a' || c == 0x18 || c == 0x1a { // BEL, CAN, SUB
			q.state = ground
		}
	case c < ' ' || c >= 0x7f: // not a byte of a sequence
		q.state = ground
		return false
	case q.state == control && c < '@':
		if len(q.parameters) < 64 {
			q.parameters = append(q.parameters, c)
		}
	case q.state == control:
		if parameters := string(q.parameters); c == 'm' && strings.Trim(parameters, "0123456789;:") == "" && len(parameters) < 64 {
			b.WriteString("\x1b[" + parameters + "m")
			q.painted = strings.Trim(parameters, "0") != ""
		}
		q.state = ground
	case c == '[':
		q.state, q.parameters = control, q.parameters[:0]
	case strings.IndexByte("]PX^_", c) >= 0:
		q.state = command
	case c >= '0': // the final byte of a short sequence; bytes below are intermediate
		q.state = ground
	}
	return true
}
