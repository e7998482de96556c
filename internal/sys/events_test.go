package sys

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// Events name what happened and where; with way, writing is passed over.
func TestEvents(t *testing.T) {
	for _, who := range []bool{true, false} {
		t.Run(map[bool]string{true: "fanotify", false: "inotify"}[who], func(t *testing.T) {
			dir := t.TempDir()
			for _, d := range []string{"near", "far"} {
				if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, d, "old"), nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			e, err := NewEvents(who)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			for d, way := range map[string]bool{"near": false, "far": true} {
				at, err := OpenTree(filepath.Join(dir, d))
				if err != nil {
					t.Fatal(err)
				}
				if is, err := e.Watch(at, "/"+d, way); err != nil || is != who && os.Getuid() == 0 {
					t.Errorf("%s: %v, %v", d, is, err)
				}
				at.Close()
			}
			for _, d := range []string{"near", "far"} {
				if err := os.WriteFile(filepath.Join(dir, d, "old"), []byte("x"), 0o644); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(filepath.Join(dir, d, "old"), filepath.Join(dir, d, "new")); err != nil {
					t.Fatal(err)
				}
			}
			events, _, err := e.Wait(10 * time.Second)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, x := range events {
				for _, d := range x.Dirs {
					got = append(got, d+"/"+x.Name)
				}
			}
			for _, want := range []string{"/near/old", "/near/new", "/far/old", "/far/new"} {
				if !slices.Contains(got, want) {
					t.Errorf("no event for %s in %q", want, got)
				}
			}
			if err := e.Reset(); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(filepath.Join(dir, "near", "new")); err != nil {
				t.Fatal(err)
			}
			if events, _, err := e.Wait(0); err != nil || len(events) > 0 {
				t.Errorf("after a reset: %v, %v", events, err)
			}
			e.Stop()
			if _, stopped, err := e.Wait(-1); err != nil || !stopped {
				t.Errorf("not stopped: %v", err)
			}
		})
	}
}

// The kernel says when it had to drop events.
func TestEventsLost(t *testing.T) {
	for _, who := range []bool{true, false} {
		e, err := NewEvents(who)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		dir := t.TempDir()
		at, err := OpenTree(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer at.Close()
		if _, err := e.Watch(at, "/", false); err != nil {
			t.Fatal(err)
		}
		for i := range 20000 { // by default the kernel queues 16384
			p := filepath.Join(dir, strconv.Itoa(i))
			if err := os.WriteFile(p, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(p); err != nil {
				t.Fatal(err)
			}
		}
		events, _, err := e.Wait(10 * time.Second)
		if err != nil || !slices.ContainsFunc(events, func(x Event) bool { return x.Lost }) {
			t.Errorf("fanotify %v: %d events and none was lost, %v", who, len(events), err)
		}
	}
}

// A file is not held while somebody writes to it.
func TestHold(t *testing.T) {
	dir := t.TempDir()
	at, err := OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	f, err := os.Create(filepath.Join(dir, "f"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := at.Hold("f"); err != ErrBusy {
		t.Errorf("%v, want %v", err, ErrBusy)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	h, err := at.Hold("f")
	if err != nil {
		t.Fatal(err)
	}
	h.Release()
}
