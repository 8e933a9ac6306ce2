package docker

import (
	"bytes"
	"debug/elf"
	"testing"
)

// TestPauseProgram parses the program as a kernel does. The tests of the keeper show that it waits.
func TestPauseProgram(t *testing.T) {
	for architecture, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		t.Run(architecture, func(t *testing.T) {
			program, ok := pauseProgram(architecture)
			if !ok {
				t.Fatal("there is none")
			}
			f, err := elf.NewFile(bytes.NewReader(program))
			if err != nil {
				t.Fatal(err)
			}
			if f.Type != elf.ET_EXEC || f.Machine != machine || len(f.Progs) != 1 {
				t.Fatalf("header %+v", f.FileHeader)
			}
			segment := f.Progs[0]
			if segment.Type != elf.PT_LOAD || segment.Flags != elf.PF_R|elf.PF_X || segment.Off != 0 || segment.Filesz != uint64(len(program)) || segment.Vaddr%segment.Align != 0 {
				t.Errorf("segment %+v", segment.ProgHeader)
			}
			code := program[f.Entry-segment.Vaddr:]
			if !bytes.Equal(code, pauseCode[architecture].code) {
				t.Errorf("it begins at % x, want % x", code, pauseCode[architecture].code)
			}
		})
	}
	if _, ok := pauseProgram("s390x"); ok {
		t.Error("there is one for s390x")
	}
}
