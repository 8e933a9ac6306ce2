package local

// NonBlock is nothing: named pipes are not in the file system there.
const NonBlock = 0
