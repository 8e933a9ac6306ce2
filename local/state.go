package local

import (
	"os"
	"path/filepath"
	"runtime"
)

// UserState returns the directory in which this user's ktask remembers how runs have ended, or "" if there is none. It reads
// XDG_STATE_HOME, and otherwise returns a place that is usual for the system.
func UserState() string {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "ktask")
	}
	var dir string
	var err error
	switch runtime.GOOS {
	case "windows":
		dir, err = os.UserCacheDir()
	case "darwin":
		dir, err = os.UserConfigDir()
	default:
		dir, err = os.UserHomeDir()
		dir = filepath.Join(dir, ".local", "state")
	}
	if err != nil || !filepath.IsAbs(dir) {
		return ""
	}
	return filepath.Join(dir, "ktask")
}
