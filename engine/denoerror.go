package engine

import (
	"regexp"
	"strconv"
	"strings"
)

const (
	denoBegin = "error: "
	// denoUncaught are words of Deno's alone, and so are found behind others as well.
	denoUncaught = "error: Uncaught "
	denoCause    = "Caused by: "
)

var (
	// Frames of other errors than the first are indented deeper.
	denoFrame     = regexp.MustCompile(`^    at (?:async )?(?:.* \()?((?:file|https?)://\S+?):(\d+):\d+\)?$`)
	denoPart      = regexp.MustCompile(`^    (\w+(?:: .*)?)$`)
	denoMark      = regexp.MustCompile(`^ *[\^~]+$`)
	denoTypeError = regexp.MustCompile(`^(?:error: )?(TS\d+) \[ERROR\]: (.*)`)
	denoCount     = regexp.MustCompile(`^Found \d+ errors\.$`)
)

// denoEnd reads the end of what Deno writes when it cannot go on: "error: …", the line of the code, the places.
func denoEnd(said []string) (x exception, ok bool) {
	end := len(said) - 1
	for end >= 0 && blank(said[end]) {
		end--
	}
	at := denoError(said[:end+1])
	if at < 0 || at != end && !indented(said[end]) && !denoCount.MatchString(said[end]) && !strings.HasPrefix(said[end], denoCause) {
		return x, false
	}
	_, x.text, _ = strings.Cut(said[at], denoBegin)
	if x.text == "Type checking failed." {
		for at = 0; !denoTypeError.MatchString(said[at]); at++ {
			if at == end {
				return x, false
			}
		}
	}
	below := said[at+1 : end+1]
	if m := denoTypeError.FindStringSubmatch(said[at]); m != nil {
		x.text = m[1] + ": " + m[2]
		below = untilBlank(below)
	}
	x.text = strings.TrimPrefix(strings.TrimPrefix(x.text, "Uncaught "), "(in promise) ")
	x.readDeno(below)
	return x, true
}

// denoError is the line with which Deno's words begin, or -1. A message of several lines may have one that looks so.
func denoError(said []string) int {
	found := -1
	for i := len(said) - 1; i >= 0; i-- {
		switch {
		case strings.Contains(said[i], denoUncaught):
			return i
		case found >= 0 && denoFrame.MatchString(said[i]):
			return found
		case found < 0 && strings.HasPrefix(said[i], denoBegin):
			found = i
		}
	}
	return found
}

func untilBlank(lines []string) []string {
	for i, line := range lines {
		if blank(line) {
			return lines[:i]
		}
	}
	return lines
}

// readDeno reads what stands below the text of an error: more of that, the errors in it, the line of the code with a
// mark below, the frames, and its causes with their own.
func (x *exception) readDeno(lines []string) {
	one, part := x, ""
	for i, line := range lines {
		if part != "" && !denoMark.MatchString(line) {
			x.parts = append(x.parts, exception{text: part})
		}
		part = ""
		if text, ok := strings.CutPrefix(line, denoCause); ok {
			x.causes = append(x.causes, exception{text: text})
			one = &x.causes[len(x.causes)-1]
		} else if m := denoFrame.FindStringSubmatch(line); m != nil {
			number, _ := strconv.Atoi(m[2])
			one.frames = append(one.frames, frame{strings.TrimPrefix(m[1], "file://"), number})
		} else if denoMark.MatchString(line) && i > 0 {
			// What looked like frames before was part of the message.
			one.frames, one.code = nil, lines[i-1]
		} else if m := denoPart.FindStringSubmatch(line); m != nil && one == x && x.code == "" && x.named("AggregateError") {
			part = m[1]
		}
	}
}
