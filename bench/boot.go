package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"anicca/internal/apply"
	"anicca/internal/boot"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
)

const (
	kernel     = "6.1.0-1"
	rootOfBoot = "run/root"
	recordFile = "tmp/record.json"
)

// boot measures how entries are put in place in a fresh root, an overlay, after a session that has left its carried files.
func (s *stage) boot() error {
	if err := os.Remove(s.in("anicca/ledger.json")); err != nil {
		return err
	}
	for _, d := range []string{"anicca/base/1/usr/lib/modules/" + kernel, "anicca/base/1/persist", rootOfBoot} {
		if err := os.MkdirAll(s.in(d), 0o755); err != nil {
			return err
		}
	}
	if err := s.write(map[string]string{s.in("anicca/base/1/usr/lib/modules/" + kernel + "/modules.dep"): ""}); err != nil {
		return err
	}
	d, err := root.CreateOverlay(s.root, "anicca/base/1", root.Ledger{Store: "anicca/store", StorePath: "/persist"}, time.Now())
	if err != nil {
		return err
	}
	defer d.Close()
	top, err := sys.OpenTree(s.root)
	if err != nil {
		return err
	}
	defer top.Close()
	b := &plan.Boot{Format: plan.Format, Host: "bench", Reset: decl.ResetOn, Stores: []plan.BootStore{{Path: "/persist"}}}
	for _, e := range entries(s.Entries) {
		kind := plan.Bind
		if !e.dir {
			kind = plan.Carry
		}
		b.Entries = append(b.Entries, plan.Step{Kind: kind, Path: e.path, Store: "/persist", Source: "/persist" + e.path, Dir: e.dir})
	}
	slices.SortFunc(b.Entries, func(x, y plan.Step) int { return strings.Compare(x.Path, y.Path) }) // as plan.Make does
	record := plan.Step{Kind: plan.Record, Path: "/persist/.anicca/current", Store: "/persist", Boot: b}
	if err := apply.Run(top, &plan.Plan{Steps: []plan.Step{record}}, nil); err != nil {
		return err
	}
	if err := s.reset(d, top); err != nil {
		return err
	}
	if err := bootOnly(s.root); err != nil {
		return err
	}
	if err := top.Unmount(rootOfBoot, true); err != nil {
		return err
	}
	if err := s.reset(d, top); err != nil {
		return err
	}
	return s.measure("boot", s.self("boot", s.root))
}

// reset makes a fresh root, and mounts it and the store.
func (s *stage) reset(d *root.Disk, top *sys.Tree) error {
	r := boot.Reset(boot.Machine{Disk: d, Kernel: kernel, Now: time.Now(), BootID: "bench"})
	if r.Outcome != boot.Done {
		return fmt.Errorf("the root was not reset: %s", r.Why)
	}
	if err := d.Commit(time.Now()); err != nil {
		return err
	}
	r.StorePath = "/persist"
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.in(recordFile), data, 0o600); err != nil {
		return err
	}
	if err := d.MountRoot("root", s.in(rootOfBoot)); err != nil {
		return err
	}
	return sys.Bind(top, "anicca/store", top, filepath.Join(rootOfBoot, "persist"), nil)
}

// bootOnly puts entries in place as the initrd does when it has mounted the root and the store.
func bootOnly(top string) error {
	data, err := os.ReadFile(filepath.Join(top, recordFile))
	if err != nil {
		return err
	}
	r := &boot.Record{}
	if err := json.Unmarshal(data, r); err != nil {
		return err
	}
	d, err := root.Open(top)
	if err != nil {
		return err
	}
	defer d.Close()
	t, err := sys.OpenTree(filepath.Join(top, rootOfBoot))
	if err != nil {
		return err
	}
	defer t.Close()
	store, err := t.Sub(r.StorePath)
	if err != nil {
		return err
	}
	defer store.Close()
	b, err := apply.Current(store)
	if err != nil {
		return err
	}
	boot.Persist(r, d, t, b, root.Booted{})
	if !r.OK() {
		return fmt.Errorf("%d entries, %v", len(r.Entries), r.Problems)
	}
	return nil
}
