package install

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// archive packs objects, "PATH" or "PATH MODE" with their content, as the form of archive that the kernel unpacks.
func archive(objects map[string]string) []byte {
	var b bytes.Buffer
	add := func(name string, mode int, data string) {
		fmt.Fprintf(&b, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
		b.WriteString(name + "\x00")
		b.Write(make([]byte, padding(int64(b.Len()))))
		b.WriteString(data)
		b.Write(make([]byte, padding(int64(b.Len()))))
	}
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		p, mode := name, 0o100644
		if _, err := fmt.Sscanf(name, "%s %o", &p, &mode); err != nil {
			mode = 0o100644
		}
		add(p, mode, objects[name])
	}
	add("TRAILER!!!", 0, "")
	return b.Bytes()
}

// image is an initrd of a generator, with everything in it but what is left out.
func image(g Generator, leftOut string) []byte {
	objects := map[string]string{". 40755": "", "bin -> usr/bin 120777": "usr/bin", "etc/hostname": "nest"}
	for _, p := range mustHold[g] {
		objects[p] = "x"
	}
	objects["usr/bin/anicca-init 100755"] = "program"
	for p := range objects {
		if leftOut != "" && strings.Contains(p, leftOut) {
			delete(objects, p)
		}
	}
	return archive(objects)
}

// compressed runs data through a program of the host.
func compressed(t *testing.T, data []byte, program string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("needs %s", program)
	}
	cmd := exec.Command(program, args...)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func zipped(data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(data) // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

// padded fills up with zeros, as bsdtar does, and the kernel passes over.
func padded(data []byte, block int) []byte {
	return append(data, make([]byte, (block-len(data)%block)%block)...)
}

// unified is a unified kernel image with little in it but an initrd.
func unified(initrd []byte, section string) []byte {
	const at = 64 + 24 + 40
	b := make([]byte, at)
	copy(b, "MZ")
	le := binary.LittleEndian
	le.PutUint32(b[0x3c:], 64)
	copy(b[64:], "PE\x00\x00")
	le.PutUint16(b[68:], 0x8664)
	le.PutUint16(b[70:], 1) // sections
	copy(b[88:], section)
	le.PutUint32(b[88+8:], uint32(len(initrd)))
	le.PutUint32(b[88+16:], uint32(len(initrd)))
	le.PutUint32(b[88+20:], at)
	return append(b, initrd...)
}

func TestInspect(t *testing.T) {
	whole := image(Mkinitcpio, "")
	microcode := padded(archive(map[string]string{"kernel/x86/microcode/GenuineIntel.bin": "m", "early_cpio": "1"}), 512)
	for name, c := range map[string]struct {
		data func(t *testing.T) []byte
		want string // a part of the error
	}{
		"as it is":         {func(*testing.T) []byte { return whole }, ""},
		"gzip":             {func(*testing.T) []byte { return zipped(whole) }, ""},
		"zstd":             {func(t *testing.T) []byte { return compressed(t, whole, "zstd", "-qc") }, ""},
		"xz":               {func(t *testing.T) []byte { return compressed(t, whole, "xz", "-c", "--check=crc32") }, ""},
		"lzma":             {func(t *testing.T) []byte { return compressed(t, whole, "xz", "-c", "--format=lzma") }, ""},
		"lz4":              {func(t *testing.T) []byte { return compressed(t, whole, "lz4", "-lc") }, ""},
		"bzip2":            {func(t *testing.T) []byte { return compressed(t, whole, "bzip2", "-c") }, ""},
		"after microcode":  {func(t *testing.T) []byte { return append(microcode, compressed(t, whole, "zstd", "-qc")...) }, ""},
		"program appended": {func(*testing.T) []byte { return append(padded(zipped(image(Mkinitcpio, "anicca-init")), 4), whole...) }, ""},
		"hook appended": {func(*testing.T) []byte {
			return slices.Concat(image(Mkinitcpio, "hooks"), padded(whole, 512), []byte("\x00\x00\x00\x00"))
		}, ""},
		"something behind": {func(t *testing.T) []byte { return append(compressed(t, whole, "zstd", "-qc"), microcode...) }, ""},
		"unified":          {func(*testing.T) []byte { return unified(zipped(whole), ".initrd") }, ""},
		"no program":       {func(*testing.T) []byte { return image(Mkinitcpio, "anicca-init") }, "the program anicca-init is not in it"},
		"no program, zstd": {func(t *testing.T) []byte { return compressed(t, image(Mkinitcpio, "anicca-init"), "zstd", "-qc") }, "the program anicca-init is not in it"},
		"no hook":          {func(*testing.T) []byte { return image(Mkinitcpio, "hooks") }, "hooks/anicca is not in it"},
		"only microcode":   {func(*testing.T) []byte { return microcode }, "the program anicca-init is not in it"},
		"not to be run": {func(*testing.T) []byte {
			return archive(map[string]string{"usr/bin/anicca-init": "x", "hooks/anicca": "x"})
		}, "the program anicca-init is not in it"},
		"no content": {func(*testing.T) []byte {
			return archive(map[string]string{"usr/bin/anicca-init 100755": "", "hooks/anicca": "x"})
		}, "the program anicca-init is not in it"},
		"a link": {func(*testing.T) []byte {
			return archive(map[string]string{"usr/bin/anicca-init 120777": "/x", "hooks/anicca": "x"})
		}, "the program anicca-init is not in it"},
		"a name that fits": {func(*testing.T) []byte {
			return archive(map[string]string{"usr/share/bin/not-anicca-init 100755": "x", "hooks/anicca": "x"})
		}, "the program anicca-init is not in it"},
		"empty":           {func(*testing.T) []byte { return nil }, "the program anicca-init is not in it"},
		"cut off":         {func(*testing.T) []byte { return whole[:len(whole)-150] }, "cut off"},
		"cut off in gzip": {func(*testing.T) []byte { return zipped(whole)[:100] }, "EOF"},
		"cut off in zstd": {func(t *testing.T) []byte { return compressed(t, whole, "zstd", "-qc")[:60] }, "no whole archive"},
		"not padded": {func(*testing.T) []byte {
			return append(append(zipped(image(Mkinitcpio, "anicca-init")), 'x'), whole...)
		}, "neither an archive"},
		"not an initrd":     {func(*testing.T) []byte { return []byte("kernel") }, "neither an archive"},
		"unified without":   {func(*testing.T) []byte { return unified(whole, ".linux") }, "no initrd in it"},
		"damaged in a name": {func(*testing.T) []byte { return []byte(strings.Replace(string(whole), "070701", "07070x", 1)) }, "neither an archive"},
	} {
		t.Run(name, func(t *testing.T) {
			p := filepath.Join(t.TempDir(), "initramfs-linux.img")
			if err := os.WriteFile(p, c.data(t), 0o600); err != nil {
				t.Fatal(err)
			}
			err := inspect(context.Background(), Mkinitcpio, p)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), p)):
				t.Errorf("%v, want %q and the path of the image", err, c.want)
			}
		})
	}
}

// What a generator's hooks put into an image is what is looked for in it.
func TestMustHold(t *testing.T) {
	for g, list := range mustHold {
		all := ""
		for _, h := range hooksOf(t, g) {
			all += h.Path + "\n" + h.Data
		}
		for _, end := range list {
			if !strings.Contains(all, end) {
				t.Errorf("%s puts no %s into an image", g, end)
			}
		}
	}
	for _, g := range generators {
		if _, ok := mustHold[g]; ok == (g == NixOS || g == Shim) {
			t.Errorf("%s: images are looked into: %v", g, ok)
		}
	}
}

func FuzzImage(f *testing.F) {
	whole := image(Dracut, "")
	for _, data := range [][]byte{whole, zipped(whole), append(padded(whole, 512), zipped(whole)...), unified(whole, ".initrd"), []byte("070701")} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, p := range packers {
			if bytes.Contains(data, []byte(p.magic)) {
				t.Skip("would run a program of the host each time")
			}
		}
		p := filepath.Join(t.TempDir(), "image")
		if err := os.WriteFile(p, data, 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := readImage(context.Background(), p)
		if err != nil {
			return
		}
		for name, m := range in {
			if strings.HasPrefix(name, "/") || m.size < 0 {
				t.Errorf("%q: %+v", name, m)
			}
		}
	})
}
