package main

import "os"

// resized returns nil: Windows reports changes of the size among the keys, which are not read as events.
func resized() <-chan os.Signal { return nil }
