package diagnose

// Remedy is what a user can do about a failure. Remedies are comparable; the zero Remedy is none.
type Remedy struct {
	// Text is what to do about the manifest, the image or the machine, or "".
	Text string
	// Option is the option of ktask to change, as well or instead, or "". Flags and Go programs have other names for it.
	Option Option
	// Value is a value of Option that helps, or "" if it depends on the user.
	Value string
}

// Option is an option of ktask.
type Option string

// The options that remedies name.
const (
	OptionHost     Option = "host"     // the address of the engine
	OptionPlatform Option = "platform" // of the image
	OptionImage    Option = "image"    // another one in place of the manifest's
	OptionDeno     Option = "deno image"
	OptionPython   Option = "python image"
	OptionBase     Option = "base" // of an image that is built
	OptionBuild    Option = "build arguments"
	OptionSecrets  Option = "secrets"
	OptionNetwork  Option = "network"
	OptionMounts   Option = "mounts"
	OptionParams   Option = "params"
	OptionPids     Option = "pids"    // the limit of processes
	OptionOffline  Option = "offline" // an image may not be pulled
	OptionPull     Option = "pull"    // the pull policy
	OptionTimeout  Option = "timeout"
)

// Known reports whether there is anything to do.
func (r Remedy) Known() bool { return r != Remedy{} }

// String returns the remedy with the option's general name.
func (r Remedy) String() string {
	words := "change the option " + string(r.Option)
	if r.Value != "" {
		words += " to"
	}
	return r.With(words)
}

// With returns the remedy with the words for its option, which end in the option's name if it may have a value. They are
// ignored if it has none.
func (r Remedy) With(option string) string {
	switch {
	case r.Option == "":
		return r.Text
	case r.Value != "":
		option += " " + r.Value
	}
	switch {
	case r.Text == "":
		return option
	}
	return r.Text + ", or " + option
}
