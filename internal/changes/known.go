package changes

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"sync"

	"anicca/internal/sys"
)

// Known is what walks remember of one base, which never changes: for every directory that was read, a print of each thing in it. What has the
// same print in a root is the same object in the same state, and nothing more has to be asked of the base.
//
// A print is made of the name, the inode number, the time of the last change of the inode, which programs cannot set, and what else the kernel says of
// an object. Roots that share unchanged objects with their base, such as clones and overlays, have the same there. For others nothing is known, and
// nothing is wrong: they are compared.
type Known struct {
	name string
	load func()
	key  uint64
	data []byte         // as it is kept: a head, and then for each directory its path's print, a count, and that many prints
	at   map[uint64]int // where the count of a directory is in data

	mu    sync.Mutex
	fresh [][]byte // more of the same
}

const knownHead = "anicca base prints 1\n"

// NewKnown remembers what [Known.Data] gave for the base of that name, which no other base may have. Read is asked for it when it is needed, and may be
// nil; what it returns may be anything.
func NewKnown(name string, read func() []byte) *Known {
	k := &Known{name: knownHead + name + "\n"}
	k.load = sync.OnceFunc(func() {
		var data []byte
		if read != nil {
			data = read()
		}
		k.at = map[uint64]int{}
		if n := len(k.name); len(data) < n+word || string(data[:n]) != k.name || !k.index(data) {
			k.key = rand.Uint64()
			k.data, k.at = binary.LittleEndian.AppendUint64([]byte(k.name), k.key), map[uint64]int{}
		}
	})
	return k
}

const word = 8

func (k *Known) index(data []byte) bool {
	at := len(k.name)
	k.key, k.data = binary.LittleEndian.Uint64(data[at:]), data
	for at += word; at < len(data); {
		if len(data)-at < 2*word {
			return false
		}
		dir, n := binary.LittleEndian.Uint64(data[at:]), binary.LittleEndian.Uint64(data[at+word:])
		at += word
		k.at[dir] = at
		at += word
		if n > uint64((len(data)-at)/word) {
			return false
		}
		at += int(n) * word
	}
	return true
}

// Data is all that is known, to be kept, if there is anything new in it.
func (k *Known) Data() ([]byte, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.fresh) == 0 {
		return nil, false
	}
	out := k.data
	for _, f := range k.fresh {
		out = append(out, f...)
	}
	return out, true
}

// of returns the prints of what lies in a directory of the base, and whether they are known. The room is used for them.
func (k *Known) of(dir string, room []uint64) ([]uint64, bool) {
	at, ok := k.at[k.path(dir)]
	if !ok {
		return room, false
	}
	for n := binary.LittleEndian.Uint64(k.data[at:]); n > 0; n-- {
		at += word
		room = append(room, binary.LittleEndian.Uint64(k.data[at:]))
	}
	return room, true
}

// note makes known what lies in a directory.
func (k *Known) note(dir string, prints []uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	const chunk = 256 << 10
	need := (len(prints) + 2) * word
	last := len(k.fresh) - 1
	if last < 0 || cap(k.fresh[last])-len(k.fresh[last]) < need {
		k.fresh = append(k.fresh, make([]byte, 0, max(need, chunk)))
		last++
	}
	b := binary.LittleEndian.AppendUint64(k.fresh[last], k.path(dir))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(prints)))
	for _, p := range prints {
		b = binary.LittleEndian.AppendUint64(b, p)
	}
	k.fresh[last] = b
}

func (k *Known) path(p string) uint64 { return text(k.key, []byte(p)) }

// print is never 0.
func (k *Known) print(name []byte, s *sys.Stat) uint64 {
	h := text(k.key, name)
	msec, mnsec := s.Mtim.Unix()
	csec, cnsec := s.Ctim.Unix()
	h = mix(h, s.Ino)
	h = mix(h, uint64(csec))
	h = mix(h, uint64(cnsec)<<32|uint64(mnsec))
	h = mix(h, uint64(msec))
	h = mix(h, uint64(s.Size))
	h = mix(h, uint64(s.Mode)<<32|uint64(s.Uid))
	return max(mix(h, uint64(s.Gid)<<32^uint64(s.Rdev)), 1)
}

func text(h uint64, s []byte) uint64 {
	h = mix(h, uint64(len(s)))
	for ; len(s) >= word; s = s[word:] {
		h = mix(h, binary.LittleEndian.Uint64(s))
	}
	var last uint64
	for i, c := range s {
		last |= uint64(c) << (8 * i)
	}
	return mix(h, last)
}

// mix folds a product of 128 bits, as wyhash does.
func mix(h, w uint64) uint64 {
	hi, lo := bits.Mul64(h^w^0xa0761d6478bd642f, 0xe7037ed1a0b428db)
	return hi ^ lo
}
