package sys

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// WriteFor is [Tree.WriteFile] for a file that one other user may read, and nobody else. It is not the file of that user, who cannot let
// others read it, nor keep anything in it. Where the filesystem has no access lists, the group may read it in place of the user.
func (t *Tree) WriteFor(p string, data []byte, user, group int) error {
	return t.writeFile(p, data, func(fd int, at string) error {
		perm := me()
		perm.Mode = 0o600
		if err := give(fd, at, perm); err != nil || user == perm.UID {
			return err
		}
		err := do("setxattr "+accessList, at, func() error { return unix.Fsetxattr(fd, accessList, readableBy(user), 0) })
		if errors.Is(err, unix.ENOTSUP) {
			perm.GID, perm.Mode = group, 0o640
			return give(fd, at, perm)
		}
		return err
	}, true)
}

const accessList = "system.posix_acl_access"

// readableBy is the access list of a file that its owner may read and write, and one other user may read. Format:
// linux/posix_acl_xattr.h; tags and permissions are as in acl(5).
func readableBy(user int) []byte {
	const (
		anybody = ^uint32(0) // of entries that name nobody
		read    = 4
		write   = 2
	)
	le := binary.LittleEndian
	out := le.AppendUint32(nil, 2)
	for _, e := range []struct {
		tag, perm uint16
		id        uint32
	}{
		{0x01, read | write, anybody}, // the owner
		{0x02, read, uint32(user)},
		{0x04, 0, anybody},    // the group
		{0x10, read, anybody}, // the most that a user or group that is named can have
		{0x20, 0, anybody},    // everybody else
	} {
		out = le.AppendUint16(out, e.tag)
		out = le.AppendUint16(out, e.perm)
		out = le.AppendUint32(out, e.id)
	}
	return out
}
