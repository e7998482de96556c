package sys

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"golang.org/x/sys/unix"
)

var native = binary.NativeEndian

// handleOf identifies a directory as events of fanotify do: by its filesystem and its handle.
func handleOf(fd int) (string, error) {
	const fid = 0x200 // AT_HANDLE_FID, Linux 6.5: also where the handle cannot be opened
	h, _, err := unix.NameToHandleAt(fd, "", unix.AT_EMPTY_PATH|fid)
	if err == unix.EINVAL {
		h, _, err = unix.NameToHandleAt(fd, "", unix.AT_EMPTY_PATH)
	}
	if err != nil {
		return "", err
	}
	var s unix.Statfs_t
	if err := unix.Fstatfs(fd, &s); err != nil {
		return "", err
	}
	var id []byte
	for _, v := range s.Fsid.Val {
		id = native.AppendUint32(id, uint32(v))
	}
	id = native.AppendUint32(id, uint32(h.Size()))
	id = native.AppendUint32(id, uint32(h.Type()))
	return string(append(id, h.Bytes()...)), nil
}

// fanEvents reads events of fanotify(7): struct fanotify_event_metadata, then records that begin with their type and length.
// Nobody is named for what this process did itself.
func (e *Events) fanEvents(b []byte, tell func(Event)) {
	for len(b) >= unix.FAN_EVENT_METADATA_LEN {
		n := int(native.Uint32(b))
		if n < unix.FAN_EVENT_METADATA_LEN || n > len(b) {
			return
		}
		one := b[:n]
		b = b[n:]
		mask, pid := native.Uint64(one[8:]), int(int32(native.Uint32(one[20:])))
		if mask&unix.FAN_Q_OVERFLOW != 0 {
			tell(Event{Lost: true})
			continue
		}
		x := Event{}
		if pid != e.self {
			x.By = doer(pid)
		}
		for info := one[native.Uint16(one[6:]):]; len(info) >= 20; {
			n := int(native.Uint16(info[2:]))
			if n < 20 || n > len(info) {
				break
			}
			record := info[:n]
			info = info[n:]
			if record[0] != unix.FAN_EVENT_INFO_TYPE_DFID_NAME && record[0] != unix.FAN_EVENT_INFO_TYPE_DFID {
				continue
			}
			id := record[4:] // the filesystem, struct file_handle, the name
			end := 16 + int(native.Uint32(id[8:]))
			if end > len(id) {
				continue
			}
			x.Dirs = e.dirs[string(id[:end])]
			name, _, _ := bytes.Cut(id[end:], []byte{0})
			x.Name = string(name)
		}
		if x.Dirs == nil {
			x.Dirs = e.all()
		}
		tell(x)
	}
}

func inoID(wd int32) string { return "inotify " + strconv.Itoa(int(wd)) }

// inoEvents reads events of inotify(7): struct inotify_event.
func (e *Events) inoEvents(b []byte, tell func(Event)) {
	for len(b) >= unix.SizeofInotifyEvent {
		n := unix.SizeofInotifyEvent + int(native.Uint32(b[12:]))
		if n > len(b) {
			return
		}
		name, _, _ := bytes.Cut(b[unix.SizeofInotifyEvent:n], []byte{0})
		wd, mask := int32(native.Uint32(b)), native.Uint32(b[4:])
		b = b[n:]
		switch {
		case mask&unix.IN_Q_OVERFLOW != 0:
			tell(Event{Lost: true})
		case mask&unix.IN_IGNORED == 0:
			tell(Event{Dirs: e.dirs[inoID(wd)], Name: string(name)})
		}
	}
}

// all are the watched directories, for an event of which it is not known where it was: an overlay may name a directory
// otherwise once it was changed.
func (e *Events) all() []string {
	var out []string
	for _, names := range e.dirs {
		out = append(out, names...)
	}
	return out
}
