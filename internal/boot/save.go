package boot

import (
	"errors"
	"fmt"
	"time"

	"anicca/internal/root"
	"anicca/internal/sys"
)

// Save runs at the end of an orderly shutdown. It copies a root in memory to the disk, for the archive.
func Save(now time.Time) error {
	r, err := ReadRecord(RecordPath)
	if err != nil {
		return err
	}
	if r == nil || !r.RAM {
		return nil
	}
	top, done, err := root.MountTop(r.Device, r.FSType)
	if err != nil {
		return err
	}
	return errors.Join(save(top, r, now), done())
}

func save(top string, r *Record, now time.Time) error {
	d, err := root.Open(top)
	if err != nil {
		return err
	}
	defer d.Close()
	id, err := d.SaveRAM(now)
	if err != nil {
		return fmt.Errorf("the root in memory could not be saved, and is lost: %w", err)
	}
	store, let, err := openStore(d, d.Ledger().Store)
	if err != nil {
		return err
	}
	defer let()
	was, err := readBooted(store)
	if err != nil || was.Root != r.Root {
		return err
	}
	return writeBooted(store, bootedPath, r, id) // the copy is another object than what booted well
}

// fillLimit is how full the memory of a root may be, in percent, before that is said.
const fillLimit = 80

// Fill says how full the memory of a root in memory is, if that is too much; it is empty otherwise.
func Fill() string {
	used, size, err := root.RAM()
	if err != nil || size == 0 || used*100 < size*fillLimit {
		return ""
	}
	return fmt.Sprintf("the root is in memory, and that is %d %% full (%d of %d MiB): what is full cannot be written to; "+
		"remove files, or raise root.size and reboot", used*100/size, used>>20, size>>20)
}

// WarnFill says so to the journal and to whoever logs in. A timer calls it.
func WarnFill() error {
	r, err := ReadRecord(RecordPath)
	if err != nil || r == nil {
		return err
	}
	if s := Fill(); s != "" {
		sys.Say(s)
		r.Problems = append(r.Problems, s)
	}
	return r.banner()
}
