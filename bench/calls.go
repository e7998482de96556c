package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// overlayCalls asks the kernel all that has to be known to compare an upper directory with its base, in as few calls as that takes, and makes nothing of the
// answers: each entry is described, and its extended attributes are listed, on both sides.
func overlayCalls(base, upper string) error {
	low, err1 := unix.Open(base, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	up, err2 := unix.Open(upper, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	return new(calls).dir(low, up, 0)
}

type calls struct {
	rooms [][]byte // for what lies in directories, by their depth
	stat  unix.Statx_t
	names [4096]byte
}

func (c *calls) dir(low, up, depth int) error {
	if depth == len(c.rooms) {
		c.rooms = append(c.rooms, make([]byte, 8192))
	}
	for {
		n, err := unix.Getdents(up, c.rooms[depth])
		if err != nil || n == 0 {
			return err
		}
		for rest := c.rooms[depth][:n]; len(rest) > 0; {
			one := rest[:binary.NativeEndian.Uint16(rest[16:])]
			rest = rest[len(one):]
			name := one[19:]
			switch end := bytes.IndexByte(name, 0); {
			case string(name[:end]) == "." || string(name[:end]) == "..":
			case one[18] == unix.DT_DIR:
				if err := c.sub(low, up, name, depth); err != nil {
					return err
				}
			case low < 0:
				c.describe(up, name)
			default:
				c.describe(up, name)
				if one[18] != unix.DT_CHR {
					c.list(up, name)
				}
				if c.describe(low, name) && one[18] != unix.DT_CHR {
					c.list(low, name)
				}
			}
		}
	}
}

func (c *calls) sub(low, up int, name []byte, depth int) error {
	y, e := openName(up, name)
	if e != 0 {
		return e
	}
	defer unix.Close(y)
	c.describe(y, []byte{0})
	x := -1
	if low >= 0 {
		_, _ = unix.Flistxattr(y, c.names[:])
		if x, e = openName(low, name); e == 0 {
			defer unix.Close(x)
			c.describe(x, []byte{0})
			_, _ = unix.Flistxattr(x, c.names[:])
		} else {
			x = -1
		}
	}
	return c.dir(x, y, depth+1)
}

func openName(dir int, name []byte) (int, unix.Errno) {
	fd, _, e := unix.Syscall6(unix.SYS_OPENAT, uintptr(dir), uintptr(unsafe.Pointer(&name[0])), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0, 0, 0)
	return int(fd), e
}

func (c *calls) describe(dir int, name []byte) bool {
	_, _, e := unix.Syscall6(unix.SYS_STATX, uintptr(dir), uintptr(unsafe.Pointer(&name[0])), unix.AT_SYMLINK_NOFOLLOW|unix.AT_EMPTY_PATH,
		unix.STATX_BASIC_STATS|unix.STATX_MNT_ID, uintptr(unsafe.Pointer(&c.stat)), 0)
	return e == 0
}

func (c *calls) list(dir int, name []byte) {
	const listxattrat = 465
	_, _, _ = unix.Syscall6(listxattrat, uintptr(dir), uintptr(unsafe.Pointer(&name[0])), unix.AT_SYMLINK_NOFOLLOW, uintptr(unsafe.Pointer(&c.names[0])), uintptr(len(c.names)), 0)
}
