package local

// NonBlock is 0: on Windows named pipes are not in the file system.
const NonBlock = 0
