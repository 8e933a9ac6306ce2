package diagnose

import (
	"strconv"
	"strings"
)

const (
	denoBegin = "error: "
	// denoUncaught is printed by Deno only, so it counts within a line as well. Deno prints no other error after it.
	denoUncaught = "error: Uncaught "
	denoCause    = "Caused by: "
)

var (
	// The frames of further errors are indented deeper.
	denoFrame     = compiled(`^    at (?:async )?(?:.* \()?((?:file|https?)://\S+?):(\d+):\d+\)?$`)
	denoPart      = compiled(`^    (\w+(?:: .*)?)$`)
	denoMark      = compiled(`^ *[\^~]+$`)
	denoTypeError = compiled(`^(?:error: )?(TS\d+) \[ERROR\]: (.*)`)
	denoCount     = compiled(`^Found \d+ errors\.$`)
	// denoRefused matches errors of code that Deno does not run, or not to its end. Other errors may be the script's own
	// output.
	denoRefused = compiled(`^error: (?:` + strings.Join([]string{
		`Type checking failed\.$`, `TS\d+ \[ERROR\]: `, `Module not found "`, `Import "[^"]*" not a dependency$`, `Import '[^']*' failed`,
		`Relative import path "`, `Requires import access to "`, `No such built-in module: `, `JSR package `, `Failed loading `,
		`npm package '`, `Could not find npm package '`, `Could not find version of '`, `Unknown export '`,
		`Unsupported scheme "`, `Expected a JavaScript or TypeScript module`, `Top-level await promise never resolved$`,
	}, "|") + `)`)
	denoSyntax = compiled(`^error: (?:SyntaxError: |The module's source code could not be parsed: )`)
	denoMargin = compiled(`^ *\|$`)
)

// uncaughtDeno reads the end of the output of Deno if an error ended it: "error: …", the line of code, the places.
func uncaughtDeno(output []string) (x exception, ok bool) {
	end := len(output) - 1
	for end >= 0 && blank(output[end]) {
		end--
	}
	at := denoError(output[:end+1])
	if at < 0 || at != end && !indented(output[end]) && !denoCount().MatchString(output[end]) && !strings.HasPrefix(output[end], denoCause) {
		return x, false
	}
	_, x.text, _ = strings.Cut(output[at], denoBegin)
	if x.text == "Type checking failed." {
		for at = 0; !denoTypeError().MatchString(output[at]); at++ {
			if at == end {
				return x, false
			}
		}
	}
	below := output[at+1 : end+1]
	if m := denoTypeError().FindStringSubmatch(output[at]); m != nil {
		x.text = m[1] + ": " + m[2]
		below = untilBlank(below)
	}
	x.text = strings.TrimPrefix(strings.TrimPrefix(x.text, "Uncaught "), "(in promise) ")
	x.readDeno(below)
	return x, true
}

// denoError returns the index of the line with which the error begins, or -1. A message of several lines may have
// others that look alike.
func denoError(output []string) int {
	for i := len(output) - 1; i >= 0; i-- {
		if strings.Contains(output[i], denoUncaught) {
			return i
		}
	}
	for i := len(output) - 1; i >= 0; i-- {
		underlined := i+1 < len(output) && denoMargin().MatchString(output[i+1]) // the code follows what cannot be parsed
		if denoRefused().MatchString(output[i]) || underlined && denoSyntax().MatchString(output[i]) {
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

// readDeno reads the lines after the text of an error: the rest of the text, the errors in it, the line of code with a
// mark below it, the frames, and the causes with their frames.
func (x *exception) readDeno(lines []string) {
	one, part := x, ""
	for i, line := range lines {
		if part != "" && !denoMark().MatchString(line) {
			x.parts = append(x.parts, exception{text: part})
		}
		part = ""
		if text, ok := strings.CutPrefix(line, denoCause); ok {
			x.causes = append(x.causes, exception{text: text})
			one = &x.causes[len(x.causes)-1]
		} else if m := denoFrame().FindStringSubmatch(line); m != nil {
			number, _ := strconv.Atoi(m[2])
			one.frames = append(one.frames, frame{strings.TrimPrefix(m[1], "file://"), number})
		} else if denoMark().MatchString(line) && i > 0 {
			// Lines before it that look like frames are part of the message.
			one.frames, one.code = nil, lines[i-1]
		} else if m := denoPart().FindStringSubmatch(line); m != nil && one == x && x.code == "" && x.is("AggregateError") {
			part = m[1]
		}
	}
}
