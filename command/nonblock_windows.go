package command

// nonblock is nothing: named pipes are not in the file system there.
const nonblock = 0
