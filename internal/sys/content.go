package sys

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// copyContent gives an empty open file the content of another.
func copyContent(in int, s Stat, out int, at string) error {
	copyFlags(in, out)
	return do("write", at, func() error {
		if s.Size > small && unix.IoctlFileClone(out, in) == nil {
			return nil
		}
		return copyData(in, out, s.Size)
	})
}

// small is up to which size files are read at once, in bytes: no hole in such is worth being looked for.
const small = 4 << 10

// copyData copies what is not a hole, so that a sparse file stays one.
func copyData(in, out int, size int64) error {
	if size <= small {
		return copySmall(in, out, size)
	}
	src, dst := os.NewFile(uintptr(dup(in)), "source"), os.NewFile(uintptr(dup(out)), "copy")
	defer src.Close()
	defer dst.Close()
	for at := int64(0); at < size; {
		data, err := unix.Seek(in, at, unix.SEEK_DATA)
		if err == unix.ENXIO {
			break // only a hole up to the end
		}
		end := size
		if err != nil {
			data = at // a filesystem without holes
		} else if end, err = unix.Seek(in, data, unix.SEEK_HOLE); err != nil {
			return err
		}
		if _, err := dst.Seek(data, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.Copy(dst, io.NewSectionReader(src, data, end-data)); err != nil {
			return err
		}
		at = end
	}
	return unix.Ftruncate(out, size)
}

func copySmall(in, out int, size int64) error {
	buf := make([]byte, size)
	n, err := readAt(in, buf, 0, size)
	if err != nil {
		return err
	}
	for at := 0; at < n; {
		var more int
		if err := retry(func() (err error) { more, err = unix.Write(out, buf[at:n]); return err }); err != nil {
			return err
		}
		at += more
	}
	if n == len(buf) {
		return nil
	}
	return unix.Ftruncate(out, size)
}

// readAt fills buf from a place in a file, as far as that goes: to its end, which is at the given size unless it changes.
func readAt(fd int, buf []byte, at, size int64) (n int, err error) {
	for n < len(buf) && (n == 0 || at+int64(n) != size) {
		var more int
		err := retry(func() (err error) { more, err = unix.Pread(fd, buf[n:], at+int64(n)); return err })
		if err != nil || more == 0 {
			return n, err
		}
		n += more
	}
	return n, nil
}

// openQuiet opens the file p to be read without its time of access moving, where we may. It does not wait for the other end of a fifo.
func (t *Tree) openQuiet(p string) (int, error) {
	const read = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK
	fd, err := t.open(p, read|unix.O_NOATIME, 0)
	if errors.Is(err, unix.EPERM) { // it is somebody else's
		return t.open(p, read, 0)
	}
	return fd, err
}

func dup(fd int) int {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return n
}

// noCopyOnWrite is FS_NOCOW_FL of linux/fs.h.
const noCopyOnWrite = 0x00800000

// copyFlags carries over "no copy on write", which has to be set while a file is still empty.
// Filesystems that do not know it say so, and nothing is lost.
func copyFlags(in, out int) {
	if f, err := unix.IoctlGetUint32(in, unix.FS_IOC_GETFLAGS); err == nil && f&noCopyOnWrite != 0 {
		_ = unix.IoctlSetPointerInt(out, unix.FS_IOC_SETFLAGS, int(f&noCopyOnWrite))
	}
}
