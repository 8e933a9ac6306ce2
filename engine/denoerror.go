package engine

import (
	"regexp"
	"strconv"
	"strings"
)

const (
	denoBegin = "error: "
	// denoUncaught are words of Deno's alone, and so are found behind others as well. It writes no more after such an error.
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
	// denoRefused are the words for code that it does not run, or not to its end. Others may be a script's own, which
	// tells of an error and exits.
	denoRefused = regexp.MustCompile(`^error: (?:` + strings.Join([]string{
		`Type checking failed\.$`, `TS\d+ \[ERROR\]: `, `Module not found "`, `Import "[^"]*" not a dependency$`, `Import '[^']*' failed`,
		`Relative import path "`, `Requires import access to "`, `No such built-in module: `, `JSR package `, `Failed loading `,
		`npm package '`, `Could not find npm package '`, `Could not find version of '`, `Unknown export '`,
		`Unsupported scheme "`, `Expected a JavaScript or TypeScript module`, `Top-level await promise never resolved$`,
	}, "|") + `)`)
	denoSyntax = regexp.MustCompile(`^error: (?:SyntaxError: |The module's source code could not be parsed: )`)
	denoMargin = regexp.MustCompile(`^ *\|$`)
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

// denoError is the line with which Deno's words begin, or -1. A message of several lines may have others that look so.
func denoError(said []string) int {
	for i := len(said) - 1; i >= 0; i-- {
		if strings.Contains(said[i], denoUncaught) {
			return i
		}
	}
	for i := len(said) - 1; i >= 0; i-- {
		drawn := i+1 < len(said) && denoMargin.MatchString(said[i+1]) // the code, below what a script cannot parse
		if denoRefused.MatchString(said[i]) || drawn && denoSyntax.MatchString(said[i]) {
			return i
		}
	}
	return -1
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
