package docker

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// pauseCode maps the architecture of an image to the instructions of a program that does nothing until it is killed. They
// need no library, no stack and no data, and run under any Linux kernel.
var pauseCode = map[string]struct {
	machine elf.Machine
	code    []byte
}{
	// pause(2) returns only after a signal has been handled; none is, and if it did return, it would be called again.
	"amd64": {elf.EM_X86_64, []byte{
		0xb8, 0x22, 0x00, 0x00, 0x00, // mov eax, 34     the number of pause
		0x0f, 0x05, //                   syscall
		0xeb, 0xf7, //                   jmp -9          back to the first byte
	}},
	// This architecture has no pause(2): ppoll(2) with no file descriptors and no time limit waits as long. The kernel
	// returns its result in x0, so each round sets all arguments. An instruction has four bytes, the lowest first.
	"arm64": {elf.EM_AARCH64, []byte{
		0x00, 0x00, 0x80, 0xd2, // mov x0, #0      fds: none
		0x01, 0x00, 0x80, 0xd2, // mov x1, #0      nfds
		0x02, 0x00, 0x80, 0xd2, // mov x2, #0      the time limit: none
		0x03, 0x00, 0x80, 0xd2, // mov x3, #0      the signal mask: as it is
		0x28, 0x09, 0x80, 0xd2, // mov x8, #73     the number of ppoll
		0x01, 0x00, 0x00, 0xd4, // svc #0          the system call
		0xfa, 0xff, 0xff, 0x17, // b -6            six instructions back, to the first
	}},
}

// pauseBase is where the program is loaded: a multiple of every page size that the kernels have.
const pauseBase = 0x400000

// pauseProgram returns a static executable of 64-bit Linux that does nothing forever. ok is false if ktask has none for the
// architecture, which is named as in an image ("amd64"). It is generated, not a binary file of the project, so that its
// content can be reviewed: an ELF header, one program header that loads the whole file, and the instructions after them.
func pauseProgram(architecture string) (program []byte, ok bool) {
	pause, ok := pauseCode[architecture]
	if !ok {
		return nil, false
	}
	const headers = 64 + 56 // the sizes of elf.Header64 and elf.Prog64
	size := uint64(headers + len(pause.code))
	header := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{ // from EI_OSABI on it is zero: no extension of any system
			0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT),
		},
		Type:      uint16(elf.ET_EXEC), // at a fixed address, with nothing to link
		Machine:   uint16(pause.machine),
		Version:   uint32(elf.EV_CURRENT),
		Entry:     pauseBase + headers, // the first instruction
		Phoff:     64,                  // the program header follows this one
		Ehsize:    64,
		Phentsize: 56,
		Phnum:     1,
		// There are no sections: a kernel reads none.
	}
	segment := elf.Prog64{
		Type:   uint32(elf.PT_LOAD),
		Flags:  uint32(elf.PF_R | elf.PF_X),
		Off:    0, // the headers are loaded as well: what is mapped begins with a page of the file
		Vaddr:  pauseBase,
		Paddr:  pauseBase,
		Filesz: size,
		Memsz:  size,
		Align:  0x10000, // the largest page of arm64
	}
	var file bytes.Buffer
	for _, part := range []any{header, segment, pause.code} {
		_ = binary.Write(&file, binary.LittleEndian, part) // cannot fail: all of it has a fixed size
	}
	return file.Bytes(), true
}
