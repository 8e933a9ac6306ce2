package command

// ownedLike is true: on Windows only administrators can put files above the directories of users.
func ownedLike(string, ...string) bool { return true }
