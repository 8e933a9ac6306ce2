package local

// keepDescriptors does nothing: on Windows a process inherits only the handles that it is explicitly given.
func keepDescriptors() {}
