// Package inplace lets a container be started before it is known what it runs: its process 1 is a small program that waits,
// and then becomes the task's process by execve(2), with its own arguments, environment, files and user.
//
// In comes an Exec; out go the program and the block of memory that it reads. The package does no I/O and knows nothing of
// engines.
//
// The program needs no library. It
//
//  1. writes the mark to its standard output: its environment and its path, each string with its NUL;
//  2. waits for its standard input for some minutes, and ends if nothing comes or the input ends;
//  3. reads the block to a fixed address, so that the pointers in it hold, and writes Exec.Nonce to its standard output;
//  4. removes its own file, and creates the directories and files of the block, which replace what has their names;
//  5. makes /dev/null its standard input, and becomes the user of the block;
//  6. executes the first of the block's paths that can be executed.
//
// If a later step fails, it writes the nonce again. If it ends without the task, its exit status is 127. So the task has run if the
// nonce came once, and in no other case.
//
// The block consists of words of 8 bytes, the lowest first; all offsets are in bytes and all pointers absolute:
//
//	 0  the size of the block
//	 8  records of files, each of 40 bytes: the path (0 ends them), 0 for a directory, the mode, the content, its length
//	16  0 if the user stays
//	24  the user, the group, the number of other groups, and these as 4 bytes each
//	56  argv, envp and the paths to execute, each an array that 0 ends
//	80  the nonce
//	88  four words of zero: two times
package inplace

import (
	"bytes"
	"debug/elf"
	_ "embed" // for the code of the programs
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"time"
)

// The code of the programs, which the files of the same name with the ending .asm have as text.
var (
	//go:embed amd64.hex
	amd64 string
	//go:embed arm64.hex
	arm64 string
)

// machines maps an architecture, as an image names it, to its program.
var machines = map[string]struct {
	machine elf.Machine
	code    *string
}{
	"amd64": {elf.EM_X86_64, &amd64},
	"arm64": {elf.EM_AARCH64, &arm64},
}

// Where the segments of the program are in memory, and the size of the one for the block. Both places are multiples of every
// page size that the kernels have.
const (
	codeBase  = 0x400000
	blockBase = 0x10000000
	mostBlock = 8 << 20
	pageSize  = 0x10000 // the largest
)

// NonceBytes is the length of Exec.Nonce.
const NonceBytes = 32

// Program returns the executable for an architecture as an image names it. It waits up to limit. ok is false if there is none.
func Program(architecture string, limit time.Duration) (program []byte, ok bool) {
	of, ok := machines[architecture]
	if !ok {
		return nil, false
	}
	code := codeOf(*of.code)
	binary.LittleEndian.PutUint32(code[len(code)-4:], uint32(min(limit.Milliseconds(), math.MaxInt32)))
	const headers = 64 + 2*56 // the sizes of elf.Header64 and elf.Prog64
	size := uint64(headers + len(code))
	header := elf.Header64{
		Ident:     [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:      uint16(elf.ET_EXEC), // at a fixed address, with nothing to link
		Machine:   uint16(of.machine),
		Version:   uint32(elf.EV_CURRENT),
		Entry:     codeBase + headers,
		Phoff:     64,
		Ehsize:    64,
		Phentsize: 56,
		Phnum:     2,
	}
	file := elf.Prog64{
		Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X),
		Vaddr: codeBase, Paddr: codeBase, Filesz: size, Memsz: size, Align: pageSize,
	}
	block := elf.Prog64{
		Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_W),
		Vaddr: blockBase, Paddr: blockBase, Memsz: mostBlock, Align: pageSize,
	}
	var whole bytes.Buffer
	for _, part := range []any{header, file, block, code} {
		_ = binary.Write(&whole, binary.LittleEndian, part) // cannot fail: all of it has a fixed size
	}
	return whole.Bytes(), true
}

// codeOf parses the hexadecimal text of a program.
func codeOf(text string) []byte {
	code, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		panic(err) // a test parses every one
	}
	return code
}

// Exec is what the program becomes.
type Exec struct {
	// Args are the arguments, beginning with the name, and Env the environment as NAME=VALUE.
	Args, Env []string
	// Paths are tried one after the other until one can be executed.
	Paths []string
	// Files are created in their order.
	Files []File
	// User is nil if the user stays.
	User *User
	// Nonce is what the program writes. It has NonceBytes bytes, which nobody else knows.
	Nonce string
}

// File is a file, or a directory if Content is nil. A directory may exist; a file replaces another one.
type File struct {
	Path    string
	Mode    uint32
	Content []byte
}

// User is a user with all groups.
type User struct {
	UID, GID uint32
	Groups   []uint32
}

// Block returns the block for the program. The error says that it is too large, or that a text has a NUL.
func (e Exec) Block() ([]byte, error) {
	if len(e.Nonce) != NonceBytes {
		return nil, fmt.Errorf("the nonce has %d bytes instead of %d", len(e.Nonce), NonceBytes)
	}
	b := &block{bytes: make([]byte, 120)}
	b.set(8, b.files(e.Files))
	if e.User != nil {
		b.set(16, 1)
		b.set(24, uint64(e.User.UID))
		b.set(32, uint64(e.User.GID))
		b.set(40, uint64(len(e.User.Groups)))
		b.set(48, b.groups(e.User.Groups))
	}
	b.set(56, b.texts(e.Args))
	b.set(64, b.texts(e.Env))
	b.set(72, b.texts(e.Paths))
	b.set(80, b.content([]byte(e.Nonce)))
	b.set(0, uint64(len(b.bytes)))
	switch {
	case b.nul:
		return nil, fmt.Errorf("an argument, a variable or a path has a NUL byte")
	case len(b.bytes) > mostBlock:
		return nil, fmt.Errorf("arguments, environment and files have %d KiB together, more than %d MiB", len(b.bytes)>>10, mostBlock>>20)
	}
	return b.bytes, nil
}

// block is a block that grows. Its methods append to it and return addresses in the program's memory.
type block struct {
	bytes []byte
	nul   bool
}

func (b *block) set(offset int, word uint64) { binary.LittleEndian.PutUint64(b.bytes[offset:], word) }

// words appends n words of zero, aligned, and returns their offset.
func (b *block) words(n int) int {
	b.bytes = append(b.bytes, make([]byte, -len(b.bytes)&7)...)
	offset := len(b.bytes)
	b.bytes = append(b.bytes, make([]byte, 8*n)...)
	return offset
}

func (b *block) content(content []byte) uint64 {
	address := blockBase + uint64(len(b.bytes))
	b.bytes = append(b.bytes, content...)
	return address
}

func (b *block) text(s string) uint64 {
	b.nul = b.nul || strings.ContainsRune(s, 0)
	return b.content(append([]byte(s), 0))
}

func (b *block) texts(all []string) uint64 {
	offset := b.words(len(all) + 1)
	for i, s := range all {
		b.set(offset+8*i, b.text(s))
	}
	return blockBase + uint64(offset)
}

func (b *block) groups(all []uint32) uint64 {
	offset := b.words((len(all) + 1) / 2)
	for i, group := range all {
		binary.LittleEndian.PutUint32(b.bytes[offset+4*i:], group)
	}
	return blockBase + uint64(offset)
}

func (b *block) files(all []File) uint64 {
	offset := b.words(5*len(all) + 1)
	for i, f := range all {
		at := offset + 40*i
		b.set(at, b.text(f.Path))
		b.set(at+16, uint64(f.Mode))
		if f.Content == nil { // a directory
			continue
		}
		b.set(at+8, 1)
		b.set(at+24, b.content(f.Content))
		b.set(at+32, uint64(len(f.Content)))
	}
	return blockBase + uint64(offset)
}
