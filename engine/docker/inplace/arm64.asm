// Process 1 of a prepared container, for arm64: it waits, and becomes the task's process in place. See inplace.go for
// what it does, and for the layout of the block.
//
// Registers: x19 the stack as the kernel made it, x20 the block, x21 how much of it has been read, x22 the current record,
// w23 a file descriptor. A system call returns its result, or minus errno, in x0 and keeps all others.

	.set BLOCK, 0x10000000          // where the block is read to: the second segment of the program
	.set MOST, 0x800000             // the size of that segment

	.set AT_EXECFN, 31              // of the auxiliary vector: the path of the program
	.set AT_FDCWD, -100
	.set EINTR, 4
	.set EACCES, 13

	.set SYS_dup3, 24
	.set SYS_mkdirat, 34
	.set SYS_unlinkat, 35
	.set SYS_faccessat, 48
	.set SYS_fchmod, 52
	.set SYS_fchown, 55
	.set SYS_openat, 56
	.set SYS_close, 57
	.set SYS_read, 63
	.set SYS_write, 64
	.set SYS_ppoll, 73
	.set SYS_utimensat, 88
	.set SYS_exit_group, 94
	.set SYS_setgid, 144
	.set SYS_setuid, 146
	.set SYS_setgroups, 159
	.set SYS_execve, 221

// The mark: the strings of the environment and, after them in memory, the path of the program.
start:
	mov x19, sp                     // argc, argv…, 0, envp…, 0, the auxiliary vector
	ldr x0, [x19]                   // argc
	add x3, x19, x0, lsl 3
	add x3, x3, 16                  // envp
	ldr x1, [x3]                    // its first string, the beginning of the mark
0:	ldr x0, [x3], 8
	cbnz x0, 0b
1:	ldp x0, x2, [x3], 16
	cmp x0, AT_EXECFN
	bne 1b
2:	ldrb w0, [x2], 1                // the path
	cbnz w0, 2b
	sub x2, x2, x1                  // the length of the mark
3:	mov x0, 1
	mov x8, SYS_write
	svc 0
	cmp x0, 0
	ble quit
	add x1, x1, x0
	subs x2, x2, x0
	bne 3b

// Wait for the block, up to the limit.
	sub sp, sp, 32
	mov x0, 0x100000000             // a pollfd: descriptor 0, POLLIN
	str x0, [sp]
	ldr w0, limit
	mov w1, 1000
	udiv w2, w0, w1                 // a timespec: seconds
	msub w0, w2, w1, w0
	ldr w1, million
	mul w0, w0, w1                  // and nanoseconds
	stp x2, x0, [sp, 16]
4:	mov x0, sp
	mov x1, 1
	add x2, sp, 16                  // the kernel writes the rest of the time to it
	mov x3, 0                       // the signal mask: as it is
	mov x4, 0
	mov x8, SYS_ppoll
	svc 0
	cmn x0, EINTR
	beq 4b
	cmp x0, 0
	ble quit                        // nobody needs this container

// Read the block. Its first word is its size.
	mov x20, BLOCK
	mov x21, 0
5:	mov x0, 0
	add x1, x20, x21
	mov x2, MOST
	sub x2, x2, x21
	mov x8, SYS_read
	svc 0
	cmn x0, EINTR
	beq 5b
	cmp x0, 0
	ble quit                        // the one that prepared the container is gone, or the block is too large
	add x21, x21, x0
	cmp x21, 8
	blo 5b
	ldr x0, [x20]
	cmp x21, x0
	blo 5b

// Say that it is all there: from here on the task runs, or the nonce comes again.
	bl tell

// Remove the program.
	mov x0, AT_FDCWD
	ldr x1, [x19, 8]                // argv[0], its path
	mov x2, 0
	mov x8, SYS_unlinkat
	svc 0
	tbnz x0, 63, fail

// Create the directories and files.
	ldr x22, [x20, 8]
files:
	ldr x1, [x22]                   // the path
	cbz x1, null
	mov x0, AT_FDCWD
	ldr x2, [x22, 8]
	cbnz x2, 6f
	ldr w2, [x22, 16]               // the mode
	mov x8, SYS_mkdirat             // it may exist
	svc 0
	b next
6:	mov x2, 0
	mov x8, SYS_unlinkat            // it need not exist
	svc 0
	mov x0, AT_FDCWD
	mov x2, 0xc1                    // O_WRONLY, O_CREAT, O_EXCL
	movk x2, 8, lsl 16              // and O_CLOEXEC
	mov x3, 0600
	mov x8, SYS_openat
	svc 0
	tbnz x0, 63, fail
	mov w23, w0
	ldp x1, x2, [x22, 24]           // the content and its length
7:	cbz x2, 8f
	mov w0, w23
	mov x8, SYS_write
	svc 0
	cmp x0, 0
	ble fail
	add x1, x1, x0
	sub x2, x2, x0
	b 7b
8:	mov w0, w23
	ldr w1, [x22, 16]
	mov x8, SYS_fchmod              // whatever the umask is
	svc 0
	tbnz x0, 63, fail
	mov w0, w23
	mov x1, 0                       // the file itself
	add x2, x20, 88                 // two times: the beginning of 1970
	mov x3, 0
	mov x8, SYS_utimensat
	svc 0
	tbnz x0, 63, fail
	mov w0, w23
	mov x8, SYS_close
	svc 0
next:
	add x22, x22, 40
	b files

// The standard input is /dev/null, as that of a container without one.
null:
	mov x0, AT_FDCWD
	adr x1, devnull
	mov x2, 2                       // O_RDWR
	mov x3, 0
	mov x8, SYS_openat
	svc 0
	tbnz x0, 63, fail
	mov w23, w0
	mov x1, 0
	mov x2, 0
	mov x8, SYS_dup3
	svc 0
	tbnz x0, 63, fail
	mov w0, w23
	mov x8, SYS_close
	svc 0

// Become the user, who gets the standard output and error.
	ldr x0, [x20, 16]
	cbz x0, exec
	mov w23, 1
9:	mov w0, w23
	ldr w1, [x20, 24]               // the user
	mov w2, -1                      // the group stays
	mov x8, SYS_fchown
	svc 0
	tbnz x0, 63, fail
	add w23, w23, 1
	cmp w23, 3
	bne 9b
	ldp x0, x1, [x20, 40]           // the number of groups, and the groups
	mov x8, SYS_setgroups
	svc 0
	tbnz x0, 63, fail
	ldr w0, [x20, 32]               // the group
	mov x8, SYS_setgid
	svc 0
	tbnz x0, 63, fail
	ldr w0, [x20, 24]
	mov x8, SYS_setuid
	svc 0
	tbnz x0, 63, fail

// Execute the first path that can be executed.
exec:
	ldr x22, [x20, 72]
0:	ldr x1, [x22], 8
	cbz x1, fail
	mov x0, AT_FDCWD
	mov x2, 1                       // X_OK
	mov x8, SYS_faccessat
	svc 0
	tbnz x0, 63, 0b
	mov x0, x1
	ldp x1, x2, [x20, 56]           // argv and envp
	mov x8, SYS_execve
	svc 0                           // returns only if it fails
	cmn x0, EACCES                  // a directory
	beq 0b

// The task has not run: say so.
fail:
	bl tell
quit:
	mov x0, 127
	mov x8, SYS_exit_group
	svc 0

tell:
	mov x0, 1
	ldr x1, [x20, 80]               // the nonce
	mov x2, 32
	mov x8, SYS_write
	svc 0
	ret

devnull:
	.asciz "/dev/null"
	.balign 4
million:
	.long 1000000
limit:                                  // in milliseconds; the builder of the program sets these last four bytes
	.long 0
