package sys

import (
	"encoding/binary"
	"strconv"

	"golang.org/x/sys/unix"
)

var native = binary.NativeEndian

// handleOf identifies a directory as events of fanotify do, by its handle. Directories of two filesystems may have the same:
// then an event is one of both.
func handleOf(fd int) (string, error) {
	const fid = 0x200 // AT_HANDLE_FID, Linux 6.5: also where the handle cannot be opened
	h, _, err := unix.NameToHandleAt(fd, "", unix.AT_EMPTY_PATH|fid)
	if err == unix.EINVAL {
		h, _, err = unix.NameToHandleAt(fd, "", unix.AT_EMPTY_PATH)
	}
	if err != nil {
		return "", err
	}
	return string(h.Bytes()), nil
}

// fanEvents reads events of fanotify(7): struct fanotify_event_metadata, then records that begin with their type and length.
// Nobody is named for what this process did itself.
func (e *Events) fanEvents(b []byte, out []Event) []Event {
	for len(b) >= unix.FAN_EVENT_METADATA_LEN {
		n := int(native.Uint32(b))
		if n < unix.FAN_EVENT_METADATA_LEN || n > len(b) {
			break
		}
		one := b[:n]
		b = b[n:]
		mask, pid := native.Uint64(one[8:]), int(int32(native.Uint32(one[20:])))
		if mask&unix.FAN_Q_OVERFLOW != 0 {
			out = append(out, Event{Lost: true})
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
			id := record[20:] // after the filesystem, and the size and type of struct file_handle
			end := int(native.Uint32(record[12:]))
			if end > len(id) {
				continue
			}
			x.Dirs = e.dirs[string(id[:end])]
			x.Name = unix.ByteSliceToString(id[end:])
		}
		if x.Dirs == nil {
			x.Dirs = e.all()
		}
		out = append(out, x)
	}
	return out
}

func inoID(wd int32) string { return "inotify " + strconv.Itoa(int(wd)) }

// inoEvents reads events of inotify(7): struct inotify_event.
func (e *Events) inoEvents(b []byte, out []Event) []Event {
	for len(b) >= unix.SizeofInotifyEvent {
		n := unix.SizeofInotifyEvent + int(native.Uint32(b[12:]))
		if n > len(b) {
			break
		}
		name := unix.ByteSliceToString(b[unix.SizeofInotifyEvent:n])
		wd, mask := int32(native.Uint32(b)), native.Uint32(b[4:])
		b = b[n:]
		switch {
		case mask&unix.IN_Q_OVERFLOW != 0:
			out = append(out, Event{Lost: true})
		case mask&unix.IN_IGNORED == 0:
			out = append(out, Event{Dirs: e.dirs[inoID(wd)], Name: name})
		}
	}
	return out
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
