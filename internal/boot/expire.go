package boot

import (
	"errors"
	"fmt"
	"time"

	"anicca/internal/apply"
	"anicca/internal/archive"
	"anicca/internal/decl"
	"anicca/internal/root"
)

// Expire drops the old roots of the running machine that the applied declaration does not keep any longer,
// one after the other with a pause, so that nobody notices, and makes it last in one commit.
func Expire(now time.Time, pause time.Duration) error {
	r, err := ReadRecord(RecordPath)
	if err != nil {
		return err
	}
	if r == nil || r.Device == "" {
		return errors.New("there is no record of this boot: nothing is dropped")
	}
	top, done, err := root.MountTop(r.Device, r.FSType)
	if err != nil {
		return err
	}
	return errors.Join(expire(top, r, now, pause), done())
}

func expire(top string, r *Record, now time.Time, pause time.Duration) error {
	b, err := root.Open(top)
	if err != nil {
		return err
	}
	defer b.Close()
	l := b.Ledger()
	store, done, err := openStore(b, l.Store)
	if err != nil {
		return err
	}
	defer done()
	bp, err := apply.Current(store)
	if err != nil || bp == nil {
		return errors.Join(err, errors.New("no declaration was applied yet"))
	}
	swept := b.Sweep() // what cannot be removed is no reason to let old roots pile up
	if bp.Archive == (decl.Archive{}) {
		return errors.New("the applied declaration is of an older anicca and does not say how long old roots are kept: run 'anicca apply'")
	}
	held, err := Held(b, r, store, bp)
	if err != nil {
		return errors.Join(swept, err)
	}
	verdicts, err := archive.Expire(l.Archive, l.Leftovers, held, bp.Archive, now, r.LastRecord(l.Archive))
	if err != nil {
		return errors.Join(swept, err)
	}
	dropped := archive.Drop(b, verdicts, now, pause, nil, func(v archive.Verdict, err error) {
		if err != nil {
			fmt.Printf("kept %s: %v\n", v.ID, err)
			return
		}
		fmt.Printf("dropped %s: %s\n", v.ID, v.Why)
	})
	return errors.Join(swept, dropped)
}

// LastRecord is the time of the last record from before this boot. R may be nil.
func (r *Record) LastRecord(old []root.Old) time.Time {
	this := ""
	if r != nil && r.Made != nil {
		this = r.Made.Archive
	}
	return archive.Last(old, this)
}
