package endpoint

// CheckSocket returns nil: the system decides who may make the pipe of an engine.
func CheckSocket(string) error { return nil }
