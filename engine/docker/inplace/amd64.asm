# Process 1 of a prepared container, for x86-64: it waits, and becomes the task's process in place. See inplace.go for
# what it does, and for the layout of the block.
#
# Registers: r12 the stack as the kernel made it, rbx the block, r14 how much of it has been read, r15 the current record,
# ebp a file descriptor. A system call returns its result, or minus errno, in rax, and overwrites rcx and r11.

	.intel_syntax noprefix
	.set BLOCK, 0x10000000          # where the block is read to: the second segment of the program
	.set MOST, 0x800000             # the size of that segment

	.set AT_EXECFN, 31              # of the auxiliary vector: the path of the program
	.set EINTR, 4
	.set EACCES, 13

	.set SYS_read, 0
	.set SYS_write, 1
	.set SYS_open, 2
	.set SYS_close, 3
	.set SYS_poll, 7
	.set SYS_access, 21
	.set SYS_dup2, 33
	.set SYS_execve, 59
	.set SYS_mkdir, 83
	.set SYS_unlink, 87
	.set SYS_fchmod, 91
	.set SYS_fchown, 93
	.set SYS_setuid, 105
	.set SYS_setgid, 106
	.set SYS_setgroups, 116
	.set SYS_exit_group, 231
	.set SYS_utimensat, 280

# The mark: the strings of the environment and, after them in memory, the path of the program.
start:
	mov r12, rsp                    # argc, argv…, 0, envp…, 0, the auxiliary vector
	mov rax, [r12]                  # argc
	lea rdi, [r12 + 8*rax + 16]     # envp
	mov rsi, [rdi]                  # its first string, the beginning of the mark
0:	add rdi, 8
	cmp qword ptr [rdi - 8], 0
	jne 0b
1:	cmp qword ptr [rdi], AT_EXECFN
	je 2f
	add rdi, 16
	jmp 1b
2:	mov rdx, [rdi + 8]              # the path
3:	inc rdx
	cmp byte ptr [rdx - 1], 0
	jne 3b
	sub rdx, rsi                    # the length of the mark
4:	mov edi, 1
	mov eax, SYS_write
	syscall
	test rax, rax
	jle quit
	add rsi, rax
	sub rdx, rax
	jnz 4b

# Wait for the block, up to the limit.
	mov rax, 0x100000000            # a pollfd: descriptor 0, POLLIN
	push rax
5:	mov rdi, rsp
	mov esi, 1
	mov edx, [rip + limit]
	mov eax, SYS_poll
	syscall
	cmp rax, -EINTR
	je 5b
	test rax, rax
	jle quit                        # nobody needs this container

# Read the block. Its first word is its size.
	mov ebx, BLOCK
	xor r14d, r14d
6:	xor edi, edi
	lea rsi, [rbx + r14]
	mov edx, MOST
	sub rdx, r14
	mov eax, SYS_read
	syscall
	cmp rax, -EINTR
	je 6b
	test rax, rax
	jle quit                        # the one that prepared the container is gone, or the block is too large
	add r14, rax
	cmp r14, 8
	jb 6b
	cmp r14, [rbx]
	jb 6b

# Say that it is all there: from here on the task runs, or the nonce comes again.
	call tell

# Remove the program.
	mov rdi, [r12 + 8]              # argv[0], its path
	mov eax, SYS_unlink
	syscall
	test rax, rax
	js fail

# Create the directories and files.
	mov r15, [rbx + 8]
files:
	mov rdi, [r15]                  # the path
	test rdi, rdi
	jz null
	mov esi, [r15 + 16]             # the mode
	cmp qword ptr [r15 + 8], 0
	jne 7f
	mov eax, SYS_mkdir              # it may exist
	syscall
	jmp next
7:	mov eax, SYS_unlink             # it need not exist
	syscall
	mov esi, 0x800c1                # O_WRONLY, O_CREAT, O_EXCL, O_CLOEXEC
	mov edx, 0600
	mov eax, SYS_open
	syscall
	test rax, rax
	js fail
	mov ebp, eax
	mov edi, ebp
	mov rsi, [r15 + 24]             # the content
	mov rdx, [r15 + 32]             # its length
8:	test rdx, rdx
	jz 9f
	mov eax, SYS_write
	syscall
	test rax, rax
	jle fail
	add rsi, rax
	sub rdx, rax
	jmp 8b
9:	mov esi, [r15 + 16]
	mov eax, SYS_fchmod             # whatever the umask is
	syscall
	test rax, rax
	js fail
	xor esi, esi                    # the file itself
	lea rdx, [rbx + 88]             # two times: the beginning of 1970
	xor r10d, r10d
	mov eax, SYS_utimensat
	syscall
	test rax, rax
	js fail
	mov eax, SYS_close
	syscall
next:
	add r15, 40
	jmp files

# The standard input is /dev/null, as that of a container without one.
null:
	lea rdi, [rip + devnull]
	mov esi, 2                      # O_RDWR
	mov eax, SYS_open
	syscall
	test rax, rax
	js fail
	mov ebp, eax
	mov edi, eax
	xor esi, esi
	mov eax, SYS_dup2
	syscall
	test rax, rax
	js fail
	mov edi, ebp
	mov eax, SYS_close
	syscall

# Become the user, who gets the standard output and error.
	cmp qword ptr [rbx + 16], 0
	je exec
	mov edi, 1
0:	mov esi, [rbx + 24]             # the user
	mov edx, -1                     # the group stays
	mov eax, SYS_fchown
	syscall
	test rax, rax
	js fail
	inc edi
	cmp edi, 3
	jne 0b
	mov edi, [rbx + 40]             # the number of groups
	mov rsi, [rbx + 48]             # the groups
	mov eax, SYS_setgroups
	syscall
	test rax, rax
	js fail
	mov edi, [rbx + 32]             # the group
	mov eax, SYS_setgid
	syscall
	test rax, rax
	js fail
	mov edi, [rbx + 24]
	mov eax, SYS_setuid
	syscall
	test rax, rax
	js fail

# Execute the first path that can be executed.
exec:
	mov r15, [rbx + 72]
1:	mov rdi, [r15]
	test rdi, rdi
	jz fail
	add r15, 8
	mov esi, 1                      # X_OK
	mov eax, SYS_access
	syscall
	test rax, rax
	js 1b
	mov rsi, [rbx + 56]             # argv
	mov rdx, [rbx + 64]             # envp
	mov eax, SYS_execve
	syscall                         # returns only if it fails
	cmp rax, -EACCES                # a directory
	je 1b

# The task has not run: say so.
fail:
	call tell
quit:
	mov edi, 127
	mov eax, SYS_exit_group
	syscall

tell:
	mov rsi, [rbx + 80]             # the nonce
	mov edx, 32
	mov edi, 1
	mov eax, SYS_write
	syscall
	ret

devnull:
	.asciz "/dev/null"
	.balign 4
limit:                                  # in milliseconds; the builder of the program sets these last four bytes
	.long 0
