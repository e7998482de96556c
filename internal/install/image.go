package install

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"debug/pe"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"

	"anicca/internal/sys"
)

// member is one object in an initrd.
type member struct {
	mode uint32 // as in stat(2)
	size int64
}

// readImage returns what is in an initrd, by path without a leading slash, as the kernel would unpack it: any number of
// archives one after the other, each as it is or compressed. Of a unified kernel image it reads the initrd in it.
//
// Listing programs of generators are not asked: they differ in what they pass over, and say nothing of how something is there.
func readImage(ctx context.Context, p string) (map[string]member, error) {
	f, err := os.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var in io.Reader = f
	magic := make([]byte, 2)
	if _, err := f.ReadAt(magic, 0); err == nil && string(magic) == "MZ" {
		image, err := pe.NewFile(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		section := image.Section(".initrd")
		if section == nil {
			return nil, fmt.Errorf("%s: there is no initrd in it", p)
		}
		in = section.Open()
	}
	r := imageReader{ctx: ctx, found: map[string]member{}}
	if err := r.archives(bufio.NewReader(in)); err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	return r.found, nil
}

// packers are the programs that undo what the standard library does not, by how their output begins.
var packers = []struct{ magic, program, args string }{
	{"\x28\xb5\x2f\xfd", "zstd", "-dc"},
	{"\xfd7zXZ\x00", "xz", "-dc"},
	{"\x5d\x00\x00", "xz", "-dc --format=lzma"},
	{"\x02\x21\x4c\x18", "lz4", "-dc"},
	{"\x89LZO", "lzop", "-dc"},
}

type imageReader struct {
	ctx   context.Context
	found map[string]member
	whole int // archives that were read to their end
}

// archives reads archives until the end. Zeros may lie between them.
func (r *imageReader) archives(in *bufio.Reader) error {
	for {
		head, err := in.Peek(1)
		if err == nil && head[0] == 0 {
			_, err = in.Discard(1)
			if err == nil {
				continue
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		head, _ = in.Peek(6)
		switch {
		case bytes.HasPrefix(head, []byte("070701")), bytes.HasPrefix(head, []byte("070702")):
			err = r.cpio(in)
		case bytes.HasPrefix(head, []byte("\x1f\x8b")):
			err = r.gzip(in)
		case bytes.HasPrefix(head, []byte("BZh")):
			return r.archives(bufio.NewReader(bzip2.NewReader(in)))
		default:
			return r.packed(in, head)
		}
		if err != nil {
			return err
		}
	}
}

func (r *imageReader) gzip(in *bufio.Reader) error {
	z, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	z.Multistream(false) // what follows may be of another kind
	return r.archives(bufio.NewReader(z))
}

// packed lets a program unpack the rest. What follows a whole archive in there may be something that the program does not know.
func (r *imageReader) packed(in *bufio.Reader, head []byte) error {
	for _, p := range packers {
		if !bytes.HasPrefix(head, []byte(p.magic)) {
			continue
		}
		if sys.Program(p.program) == "" {
			return fmt.Errorf("the program %s, which can unpack it, is not installed", p.program)
		}
		before := r.whole
		out, feed := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			err := sys.Filter(r.ctx, in, feed, p.program, strings.Fields(p.args)...)
			feed.CloseWithError(err)
			ended <- err
		}()
		err := r.archives(bufio.NewReader(out))
		out.Close()
		err = errors.Join(err, <-ended)
		if r.whole > before {
			return nil
		}
		return errors.Join(err, fmt.Errorf("no whole archive in it"))
	}
	return fmt.Errorf("neither an archive nor compressed in a way that is known: it begins with %q", head)
}

// cpio reads one archive of the form "newc". See the kernel's Documentation/driver-api/early-userspace/buffer-format.rst.
func (r *imageReader) cpio(in *bufio.Reader) error {
	header := make([]byte, 110)
	for {
		if _, err := io.ReadFull(in, header); err != nil {
			return fmt.Errorf("an archive is cut off: %w", err)
		}
		field := func(n int) int64 { // of 13, after the magic number
			v, err := strconv.ParseUint(string(header[6+8*n:14+8*n]), 16, 32)
			if err != nil {
				return -1
			}
			return int64(v)
		}
		mode, size, length := field(1), field(6), field(11)
		if string(header[:5]) != "07070" || mode < 0 || size < 0 || length < 1 || length > 4096 {
			return fmt.Errorf("an archive is damaged")
		}
		name := make([]byte, length)
		if _, err := io.ReadFull(in, name); err != nil {
			return fmt.Errorf("an archive is cut off: %w", err)
		}
		text := strings.TrimRight(string(name), "\x00")
		if _, err := in.Discard(padding(110 + length)); err != nil && text != "TRAILER!!!" {
			return fmt.Errorf("an archive is cut off: %w", err)
		}
		if text == "TRAILER!!!" {
			r.whole++
			return nil
		}
		if n, err := io.CopyN(io.Discard, in, size+int64(padding(size))); n < size {
			return fmt.Errorf("an archive is cut off in %s: %w", text, err)
		}
		r.found[strings.TrimPrefix(path.Clean("/"+text), "/")] = member{uint32(mode), size}
	}
}

// padding is how many bytes follow so many to come to a multiple of 4.
func padding(n int64) int { return int(-n & 3) }
