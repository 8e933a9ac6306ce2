package command

import "github.com/urfave/cli/v2"

// namedString, namedBool and namedSlice are flags that hold their names. The cli package asks for those of all flags to decide
// whether one flag is set, and its own flags run a regular expression to answer: with 45 flags that took 2 ms of a run.
type (
	namedString struct {
		*cli.StringFlag
		names []string
	}
	namedBool struct {
		*cli.BoolFlag
		names []string
	}
	namedSlice struct {
		*cli.StringSliceFlag
		names []string
	}
)

func (f namedString) Names() []string { return f.names }
func (f namedBool) Names() []string   { return f.names }
func (f namedSlice) Names() []string  { return f.names }

// named returns a flag that holds its names.
func named(f cli.Flag) cli.Flag {
	names := f.Names()
	switch f := f.(type) {
	case *cli.StringFlag:
		return namedString{f, names}
	case *cli.BoolFlag:
		return namedBool{f, names}
	case *cli.StringSliceFlag:
		return namedSlice{f, names}
	}
	return f
}
