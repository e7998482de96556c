//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"anicca/internal/boot"
)

// A fault is something that goes wrong at boot, or that a user wants of a boot.
// docs/guide/at-boot.md has a row for each, with the name of its test.
type fault struct {
	fs      string                   // btrfs, ext4, or both if empty
	before  []string                 // commands in the session before
	prepare func(*small)             // while the machine is off
	words   string                   // on the kernel command line of the boot
	local   string                   // commands in the booted system before the late service, such as mounts of fstab
	outcome boot.Outcome             // of that boot
	say     string                   // a sentence of it, on the console and in 'anicca status'
	console string                   // a sentence on the console only
	ok      bool                     // 'anicca status' says that all is well
	forgets bool                     // the undeclared file of the session before is gone
	unkept  bool                     // kept state is not in place
	after   []string                 // commands in the session of the boot, after status
	see     func(*session)           // looks at what they answered, from command first on
	heals   bool                     // the boot after that one, with nothing said or done, is well again
	second  func(*testing.T, string) // makes a second disk at a path
	with    string                   // both: the session before has it too; before: only that one; else only the boot
}

// first is the number of the first of a fault's own commands.
const first = 4

func TestFaults(t *testing.T) {
	for _, fs := range []string{"btrfs", "ext4"} {
		t.Run(fs, func(t *testing.T) {
			t.Parallel()
			s := newSmall(t, fs)
			// One session, so that there is something to lose, and an old root.
			s.boot("", "anicca-init finish", "echo old >/etc/undeclared")
			for name, f := range faults {
				if f.fs == "" || f.fs == fs {
					t.Run(name, func(t *testing.T) { s.copy(t).suffer(f) })
				}
			}
		})
	}
}

func (s *small) suffer(f fault) {
	t := s.t
	t.Helper()
	disk := ""
	if f.second != nil {
		p := t.TempDir() + "/disk"
		f.second(t, p)
		disk = " ubdb=" + p
	}
	words := f.words
	if disk != "" && f.with != "before" {
		words += disk
	}
	if f.with == "" {
		disk = ""
	}
	b := s.boot(disk, append([]string{"anicca-init finish; echo mine >/etc/undeclared"}, f.before...)...)
	for i := range f.before {
		if b.code(i+1) != 0 {
			t.Fatalf("%s: %s", f.before[i], b.out(i+1))
		}
	}
	if f.prepare != nil {
		f.prepare(s)
	}
	if strings.Contains(words, "OLD") {
		words = strings.ReplaceAll(words, "OLD", s.oldRoot())
	}
	finish := "anicca-init finish"
	if f.local != "" {
		finish = f.local + "; " + finish
	}
	b = s.boot(words, append([]string{
		finish, "cat /run/anicca/boot.json", "anicca status",
		"cat /etc/undeclared; cat /etc/issue; busybox grep -q ' /srv/data ' /proc/self/mountinfo && echo kept",
	}, f.after...)...)
	r, status := b.record(1), b.out(2)
	if r.Outcome != f.outcome {
		t.Errorf("outcome %s, want %s: %s %q", r.Outcome, f.outcome, r.Why, r.Problems)
	}
	if f.say != "" && !strings.Contains(b.console(), f.say) {
		t.Errorf("not said on the console: %s\n%s", f.say, tail(b.console()))
	}
	if !strings.Contains(b.console(), f.console) {
		t.Errorf("not said on the console: %s\n%s", f.console, tail(b.console()))
	}
	if f.say != "" && !strings.Contains(status, f.say) {
		t.Errorf("not said by status: %s\n%s", f.say, status)
	}
	if ok := b.code(2) == 0; ok != f.ok {
		t.Errorf("status is well: %v, want %v\n%s", ok, f.ok, status)
	}
	found := b.out(3)
	if forgot := !strings.Contains(found, "mine"); forgot != f.forgets {
		t.Errorf("the root was forgotten: %v, want %v\n%s", forgot, f.forgets, found)
	}
	if !strings.Contains(found, "base") {
		t.Errorf("the root is not whole: %s", found)
	}
	if kept := strings.Contains(found, "kept"); kept == f.unkept {
		t.Errorf("kept state is in place: %v\n%s", kept, found)
	}
	if f.see != nil {
		f.see(b)
	}
	if f.heals {
		b = s.boot("", "anicca-init finish", "anicca status", "cat /etc/undeclared")
		if b.code(1) != 0 || strings.Contains(b.out(2), "mine") {
			t.Errorf("the next boot is not well again: %s\n%s", b.out(2), b.out(1))
		}
	}
}

// change changes the disk while the machine is off.
func change(f func(s *small, top string)) func(*small) {
	return func(s *small) { s.mount(func(top string) { f(s, top) }) }
}

// move moves something on the top level away, or back.
func move(from, to string) func(*small) {
	return change(func(s *small, top string) { run(s.t, "mv", top+"/"+from, top+"/"+to) })
}

// oldRoot is the id of the root that the very first session wrote to.
func (s *small) oldRoot() string {
	id := ""
	s.mount(func(top string) {
		found, err := filepath.Glob(top + "/anicca/archive/0*")
		if err != nil || len(found) < 2 {
			s.t.Fatal("no old root", err)
		}
		id = filepath.Base(found[1])
	})
	return id
}

func declare(text string) string {
	return "echo '" + text + "' >/etc/anicca/more.cue && anicca apply --yes"
}

var faults = map[string]fault{
	"nothing": {outcome: boot.Done, ok: true, forgets: true, heals: true},

	// What a user can want.
	"keep": {words: "anicca=keep", outcome: boot.Kept, say: "anicca=keep is on the kernel command line", ok: true, heals: true},
	"observe": {
		words: "anicca=observe", outcome: boot.Kept, say: "anicca=observe is on the kernel command line", ok: true, heals: true,
		after: []string{"anicca service observe; anicca status", "cat /persist/.anicca/observed/*"},
		see: func(b *session) {
			if !strings.Contains(b.out(first), "a reset at this boot would have dropped") {
				b.s.t.Errorf("status does not tell of the report:\n%s", b.out(first))
			}
			if out := b.out(first + 1); !strings.Contains(out, "added          1 files             5 bytes  /etc/undeclared") || strings.Contains(out, "/srv/data") {
				b.s.t.Errorf("report:\n%s", out)
			}
		},
	},
	"off": {fs: "btrfs", words: "anicca=off", outcome: boot.Off, say: "anicca=off is on the kernel command line", unkept: true, heals: true},
	"off (overlay)": {
		fs: "ext4", words: "anicca=off", outcome: boot.Off, say: "anicca=off is on the kernel command line", unkept: true, forgets: true, heals: true,
	},
	"a word that is not one": {words: "anicca=kepe", outcome: boot.Kept, say: "it takes off, keep or observe", heals: true},
	"next keep":              {before: []string{"anicca next keep"}, outcome: boot.Kept, say: "'anicca next keep' was said", ok: true, heals: true},
	"next reset": {
		before:  []string{observe, "anicca next reset"},
		outcome: boot.Done, ok: true, forgets: true,
	},
	"next root": {
		before:  []string{"anicca next root $(anicca archive list | busybox grep -o '^000002[^ ]*')"},
		outcome: boot.Done, say: "the root is a fresh copy of old root 000002", ok: true, forgets: true, heals: true,
		after: []string{"cat /etc/undeclared"}, see: sees("old"),
	},
	"next clear": {before: []string{"anicca next keep", "anicca next clear"}, outcome: boot.Done, ok: true, forgets: true},
	"an old root": {
		words: "anicca.root=OLD", outcome: boot.Done, say: "the root is a fresh copy of old root 000002", ok: true, forgets: true, heals: true,
		after: []string{"cat /etc/undeclared"}, see: sees("old"),
	},
	"an old root that is not there": {words: "anicca.root=000077-20260101T000000Z", outcome: boot.Failed, say: `no old root "000077-20260101T000000Z"`, heals: true},
	"an old root of another kernel": {
		fs: "btrfs", prepare: change(func(s *small, top string) {
			run(s.t, "sh", "-c", "mv "+top+"/anicca/archive/000002*/usr/lib/modules/"+s.release+" "+top+"/gone")
		}),
		words: "anicca.root=OLD", outcome: boot.Done, say: "has no modules for the running kernel", forgets: true, heals: true,
	},
	"marker file": {
		prepare: change(func(s *small, top string) { writeFile(s.t, top+"/anicca/keep", "") }),
		outcome: boot.Kept, say: "the file anicca/keep lies on the top level", ok: true,
	},

	// What can be missing or damaged.
	"base missing": {
		fs: "btrfs", prepare: change(func(s *small, top string) { run(s.t, "btrfs", "-q", "subvolume", "delete", top+"/anicca/base/1") }),
		outcome: boot.Failed, say: "base 1 is missing: run 'anicca base new'",
	},
	"base writable": {
		fs: "btrfs", prepare: change(func(s *small, top string) {
			run(s.t, "btrfs", "property", "set", "-f", top+"/anicca/base/1", "ro", "false")
		}),
		outcome: boot.Failed, say: "base 1 is writable, so it may have been changed",
	},
	"store missing":           {fs: "btrfs", prepare: move("@persist", "gone"), outcome: boot.Failed, say: "the store is missing: @persist is not there", unkept: true},
	"store missing (overlay)": {fs: "ext4", prepare: move("anicca/store", "gone"), outcome: boot.Failed, say: "the store is missing: anicca/store is not there", unkept: true},
	"ledger damaged": {
		prepare: change(func(s *small, top string) { writeFile(s.t, top+"/anicca/ledger.json", `{"format":1,"ba`) }),
		outcome: boot.Kept, say: "the ledger was damaged and is rebuilt from what lies on the disk: 1 bases and 2 old roots, which are pinned", heals: true,
		after: []string{"anicca archive", "anicca archive expire --yes"},
		see: func(b *session) {
			if n := strings.Count(b.out(first), "pinned"); n != 2 {
				b.s.t.Errorf("%d old roots are pinned:\n%s", n, b.out(first))
			}
		},
	},
	"interrupted reset unreadable": {
		prepare: change(func(s *small, top string) { writeFile(s.t, top+"/anicca/intent.json", "") }),
		outcome: boot.Failed, say: "what was noted of an interrupted reset cannot be read", heals: true,
	},
	"base of an old root": {
		fs:      "ext4",
		before:  []string{"anicca base new", "anicca next root $(anicca archive list | busybox grep -o '^000002[^ ]*')"},
		outcome: boot.Done, say: "base 2 was not made: this boot begins as old root 000002", forgets: true, heals: true,
	},
	"file changed on both sides": {
		before:  []string{"echo session >/etc/conf; echo backup >/persist/etc/conf"},
		outcome: boot.Done, say: "/etc/conf was changed on both sides, and the store's version was put aside as /persist/.anicca/carry/aside/", forgets: true, heals: true,
		after: []string{"cat /etc/conf /persist/etc/conf /persist/.anicca/carry/aside/*/etc/conf"}, see: sees("session\nsession\nbackup"),
	},
	"file deleted": {
		before: []string{"rm /etc/conf"}, outcome: boot.Done, say: "/etc/conf was deleted in the last session, and is not kept any more", ok: true, forgets: true, heals: true,
		after: []string{"cat /etc/conf /persist/etc/conf; cat /persist/.anicca/carry/aside/*/etc/conf"}, see: func(b *session) {
			if out := b.out(first); !strings.HasSuffix(out, "conf") || strings.Count(out, "No such file") != 2 {
				b.s.t.Errorf("a deleted file: %s", out)
			}
		},
	},
	"account files damaged": {
		before: []string{
			declare(`persist: "/persist": files: {"/etc/passwd": {}, "/etc/group": {}}`),
			"echo bird:x:1000: >>/etc/group; printf 'root:x:0:0::/root' >/etc/passwd",
		},
		outcome: boot.Done, say: "the account files are damaged (/etc/passwd: its last line has no end, as if it was cut off)", forgets: true, heals: true,
		after: []string{"cat /etc/passwd /etc/group"}, see: sees("root:x:0:0::/root:/bin/sh\nroot:x:0:"),
	},
	"accounts renumbered": {
		fs: "btrfs", // elsewhere, what is undeclared would be in the base too, which the next boot makes
		before: []string{
			"echo app:x:117:117::/:/bin/false >>/etc/passwd; echo x >/srv/data/x; busybox chown 117 /srv/data/x; anicca apply --yes",
			"busybox sed -i s/117/118/ /etc/passwd; rm /etc/undeclared; anicca base new; echo mine >/etc/undeclared",
		},
		outcome: boot.Done, say: "what is kept in /persist may belong to another account: the user app was 117 when its data was kept, and is 118 now", forgets: true,
		after: []string{"anicca apply --yes --ids give; busybox stat -c %u /srv/data/x"}, see: func(b *session) {
			if out := b.out(first); !strings.HasSuffix(out, "118") {
				b.s.t.Errorf("giving kept data on: %s", out)
			}
		},
	},
	"link replaced": {
		before: []string{
			"echo one >/etc/link; " + declare(`persist: "/persist": files: "/etc/link": method: "symlink"`),
			"rm /etc/link; echo two >/etc/link",
		},
		outcome: boot.Done, say: "/etc/link: a program has replaced the link by a file", forgets: true, heals: true,
		after: []string{"cat /etc/link", "anicca restore /etc/link --from $(anicca archive list | busybox grep -o '^000003[^ ]*') --to /tmp/link && cat /tmp/link"},
		see: func(b *session) {
			if b.out(first) != "one" || !strings.Contains(b.out(first+1), "two") {
				b.s.t.Errorf("kept %q, restored %q", b.out(first), b.out(first+1))
			}
		},
	},
	"foreign object": {
		prepare: change(func(s *small, top string) {
			writeFile(s.t, top+"/anicca/archive/000900-20200101T000000Z/mine", "mine")
			writeFile(s.t, top+"/anicca/archive/holiday/photo", "mine")
		}),
		outcome: boot.Done, ok: true, forgets: true, heals: true,
		after: []string{"anicca archive", "anicca archive drop holiday --yes", "anicca archive expire --yes"},
		see: func(b *session) {
			if out := b.out(first); !strings.Contains(out, "anicca/archive/holiday on the top level is not in the ledger") || !strings.Contains(out, "000901-") {
				b.s.t.Errorf("archive:\n%s", out)
			}
			if b.code(first+1) == 0 {
				b.s.t.Error("a foreign object could be dropped")
			}
			b.s.mount(func(top string) {
				if readFile(b.s.t, top+"/anicca/archive/holiday/photo") != "mine" {
					b.s.t.Error("a foreign object was touched")
				}
			})
		},
	},
	"kernel upgraded": {
		before: []string{"mkdir -p /usr/lib/modules/new"},
		prepare: change(func(s *small, top string) {
			s.changeBase(top, func(base string) { run(s.t, "mv", base+"/usr/lib/modules/"+s.release, base+"/usr/lib/modules/old") })
		}),
		outcome: boot.Refused, say: "base 1 has no modules for the running kernel",
	},
	"another subvolume": {
		fs: "btrfs", prepare: change(func(s *small, top string) {
			run(s.t, "btrfs", "-q", "subvolume", "snapshot", top+"/@rootfs", top+"/@other")
		}),
		words: "rootflags=subvol=@other", outcome: boot.Failed, say: `set rootflags=subvol=@rootfs`,
		after: []string{"anicca base new"}, see: func(b *session) {
			if out := b.out(first); b.code(first) == 0 || !strings.Contains(out, "the running root is not the one at @rootfs that is reset") {
				b.s.t.Errorf("a base from another subvolume (%d): %s", b.code(first), out)
			}
		},
	},
	"another filesystem": {
		fs: "btrfs", prepare: func(s *small) { run(s.t, "btrfstune", "-f", "-u", s.disk) },
		outcome: boot.Failed, say: "run 'anicca init' on this machine", unkept: true,
	},
	"another filesystem (overlay)": {
		fs: "ext4", prepare: func(s *small) {
			run(s.t, "sh", "-c", "e2fsck -fp '"+s.disk+"' || [ $? = 1 ]") // 1: it has put something right
			run(s.t, "tune2fs", "-f", "-U", "random", s.disk)
		},
		outcome: boot.Failed, say: "The base itself is booted: what is changed in this session is changed for good", unkept: true,
		forgets: true, // what the session before wrote is still there, beside the base
		after:   []string{"anicca status"}, see: func(b *session) {
			if out := b.out(first); !strings.Contains(out, "nothing is forgotten in this session") || strings.Contains(out, "is booted as it is") {
				b.s.t.Errorf("status:\n%s", out)
			}
		},
	},
	"root that is not the one made": {
		fs: "btrfs", prepare: change(func(s *small, top string) {
			run(s.t, "btrfs", "-q", "subvolume", "snapshot", top+"/@rootfs", top+"/@other")
		}),
		words: "uml.mount=subvol=@other", outcome: boot.Failed, say: "check 'rootflags='",
	},
	"nested subvolumes": {
		fs: "btrfs", prepare: change(func(s *small, top string) {
			run(s.t, "btrfs", "-q", "subvolume", "create", top+"/@rootfs/machines")
			run(s.t, "btrfs", "-q", "subvolume", "create", top+"/@rootfs/machines/deep")
			run(s.t, "btrfs", "property", "set", "-f", top+"/@rootfs/machines/deep", "ro", "true")
		}),
		outcome: boot.Done, ok: true, forgets: true, heals: true,
	},
	"device missing": {
		words: "root=UUID=nonsense anicca.wait=1", outcome: boot.Failed,
		say: "the device UUID=nonsense did not appear within 1s", heals: true,
	},
	"device late": {
		words: "root=UUID=late uml.late=2", outcome: boot.Done, ok: true, forgets: true, heals: true,
	},
	"read-only filesystem": {
		fs: "btrfs", words: "uml.ro=1", outcome: boot.Failed, say: "the device /dev/ubda takes no writes", unkept: true,
	},
	"disk full": {
		before:  []string{"dd if=/dev/zero of=/var-full bs=1M; dd if=/dev/zero of=/var-full2 bs=1k; sync; true"},
		outcome: boot.Failed, say: "the filesystem is full", heals: true,
		after: []string{"rm /var-full /var-full2; sync"},
	},
	"hibernated": {
		second: func(t *testing.T, p string) {
			page := make([]byte, 1<<20)
			copy(page[4096-10:], "S1SUSPEND\x00")
			if err := os.WriteFile(p, page, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		outcome: boot.Refused, say: "there is the image of a hibernated system on /dev/ubdb", heals: true,
	},
	"crash kernel": {words: "elfcorehdr=0x1000", outcome: boot.Off, say: "this is a crash kernel", unkept: true, fs: "btrfs", heals: true},
	"no boot plan": {
		prepare: change(func(s *small, top string) {
			run(s.t, "sh", "-c", "rm "+top+"/*/.anicca/current "+top+"/anicca/store/.anicca/current; true")
		}),
		outcome: boot.Failed, say: "no declaration was applied yet: run 'anicca apply'", unkept: true,
	},
	"strict": {
		fs: "btrfs", before: []string{declare("root: strict: true")},
		prepare: change(func(s *small, top string) { run(s.t, "btrfs", "-q", "subvolume", "delete", top+"/anicca/base/1") }),
		outcome: boot.Failed, say: "base 1 is missing", console: "root.strict is declared: the boot stops here",
	},
	"strict without a store": {
		before:  []string{declare("root: strict: true"), "sync"},
		prepare: func(s *small) { s.boot(""); s.loseStore() },
		outcome: boot.Failed, say: "the store is missing", console: "root.strict is declared: the boot stops here", unkept: true,
		forgets: true, // in the boot between
	},
	"second store": {
		second: ext4Disk, with: "both", before: bulk("required"),
		outcome: boot.Done, ok: true, forgets: true, after: []string{"cat /srv/films/film"}, see: sees("film"),
	},
	"second store missing": {
		second: ext4Disk, with: "before", before: bulk("required"), words: "anicca.wait=1",
		outcome: boot.Failed, say: "the store /bulk is missing: the device /dev/ubdb did not appear within 1s",
	},
	"second store missing (degraded)": {
		second: ext4Disk, with: "before", before: bulk("degraded"), words: "anicca.wait=1",
		outcome: boot.Done, say: "the store /bulk is not there, so this session does without what it keeps", forgets: true,
		after: []string{"anicca apply --yes"}, see: func(b *session) {
			if out := b.out(first); !strings.Contains(out, "nothing to do") {
				b.s.t.Errorf("apply without the store: %s", out)
			}
		},
	},
	"second store missing (optional)": {
		second: ext4Disk, with: "before", before: bulk("optional"), words: "anicca.wait=1",
		outcome: boot.Done, say: "the store /bulk is not there", ok: true, forgets: true,
	},
	"late store": {
		second: ext4Disk, with: "both", before: lateBulk, words: "anicca.wait=1",
		local:   "anicca-init finish; mount -t ext4 /dev/ubdb /bulk && anicca-init finish --late",
		outcome: boot.Done, ok: true, forgets: true, after: []string{"cat /srv/films/film", "anicca explain /srv/films/film"},
		see: func(b *session) {
			if got := b.out(first); got != "film" {
				b.s.t.Errorf("late: %s", got)
			}
			if got := b.out(first + 1); !strings.Contains(got, "before logins") || !strings.Contains(got, "so it was in this boot") {
				b.s.t.Errorf("explain: %s", got)
			}
		},
	},
	"late store missing": {
		second: ext4Disk, with: "before", before: lateBulk, words: "anicca.wait=1",
		local:   "anicca-init finish; anicca-init finish --late",
		outcome: boot.Done, say: "the store /bulk is not there, and is required: nothing is mounted there", forgets: true,
	},
	"filesystem of its own": {
		second: ext4Disk, with: "both",
		before: []string{
			"mkdir -p /data && mount -t ext4 /dev/ubdb /data && mkdir /data/app && echo app >/data/app/f && echo '/dev/ubdb /data ext4 noatime 0 0' >>/etc/fstab",
			declare(`persist: "/persist": {directories: "/data/app": {}, files: "/etc/fstab": {}}`),
			"echo newer >/data/app/f",
		},
		local:   "test -e /data/app && echo put below; mkdir -p /data; mount -t ext4 /dev/ubdb /data",
		outcome: boot.Done, ok: true, forgets: true,
		after: []string{"cat /data/app/f"}, see: func(b *session) {
			if got := b.out(first); got != "newer" {
				b.s.t.Errorf("in a filesystem of its own: %s", got)
			}
			if strings.Contains(b.out(0), "put below") {
				b.s.t.Error("the initrd put something where a filesystem covers it")
			}
		},
	},
	"covered": {
		local:   "mount -t tmpfs none /srv",
		outcome: boot.Done, say: "/srv/data was covered: none (tmpfs), mounted at /srv after it,", forgets: true, heals: true,
	},
	"covered by something": {
		local:   "mount -t tmpfs none /srv; mkdir /srv/data; echo theirs >/srv/data/f",
		outcome: boot.Done, say: "/srv/data was in place in the initrd and is not any more: none (tmpfs), mounted at /srv after it, covers it", forgets: true, heals: true,
		after: []string{"cat /srv/data/f"}, see: sees("theirs"),
	},
	"once per boot": {
		outcome: boot.Done, ok: true, forgets: true,
		after: []string{"anicca archive list >/1; anicca-init reset --device /dev/ubda --options subvol=@rootfs; anicca archive list >/2; busybox cmp /1 /2"},
		see: func(b *session) {
			if b.code(first) != 0 {
				b.s.t.Errorf("a second reset in one boot: %s", b.out(first))
			}
		},
	},
	"container": {
		outcome: boot.Done, ok: true, forgets: true,
		after: []string{"rm /run/anicca/boot.json; env container=nspawn anicca status"}, see: func(b *session) {
			if out, code := b.answer(first); code == 0 || !strings.Contains(out, "this is a container, whose root is not reset by anicca") {
				b.s.t.Errorf("status in a container (%d): %s", code, out)
			}
		},
	},
	"no record": {
		outcome: boot.Done, ok: true, forgets: true,
		after: []string{"rm /run/anicca/boot.json; anicca status"}, see: func(b *session) {
			if out, code := b.answer(first); code == 0 || !strings.Contains(out, "there is no record of this boot") {
				b.s.t.Errorf("status without a record (%d): %s", code, out)
			}
		},
	},
	"old roots expire": {
		before:  []string{declare("root: archive: {count: 1, days: 0}"), "anicca archive pin $(anicca archive list | busybox grep -o '^000001[^ ]*')"},
		outcome: boot.Done, ok: true, forgets: true, heals: true,
		after: []string{"anicca archive list", "anicca service expire", "anicca archive list"},
		see: func(b *session) {
			for i, want := range []string{"000001 000002 000003", "", "000001 000003"} {
				var got []string
				for line := range strings.Lines(b.out(first + i)) {
					if id, _, ok := strings.Cut(line, "-2"); ok && strings.HasPrefix(id, "0") {
						got = append(got, id)
					}
				}
				if s := strings.Join(got, " "); s != want || b.code(first+i) != 0 {
					b.s.t.Errorf("old roots %q, want %q:\n%s", s, want, b.out(first+i))
				}
			}
			if out := b.out(first + 1); !strings.Contains(out, "dropped 000002") {
				b.s.t.Errorf("expiry does not say what it does: %s", out)
			}
		},
	},
	"clock in 1970": {
		outcome: boot.Done, ok: true, forgets: true, heals: true,
		after: []string{"date -s 1970.01.02-00:00 >/dev/null; anicca archive expire --yes", "anicca service expire"},
		see: func(b *session) {
			for i := range 2 {
				if out := b.out(first + i); b.code(first+i) == 0 || !strings.Contains(out, "nothing is dropped: the clock says 1970") {
					b.s.t.Errorf("expiry in 1970 (%d): %s", b.code(first+i), out)
				}
			}
		},
	},
}

// changeBase changes what is in the newest base.
func (s *small) changeBase(top string, f func(base string)) {
	if s.fs != "btrfs" {
		f(top)
		return
	}
	base := top + "/anicca/base/1"
	run(s.t, "btrfs", "property", "set", "-f", base, "ro", "false")
	f(base)
	run(s.t, "btrfs", "property", "set", "-f", base, "ro", "true")
}

// observe is the command that declares that nothing is reset.
const observe = `busybox sed -i 's/reset: "on"/reset: "observe"/' /etc/anicca/host.cue && anicca apply --yes`

// lateBulk declares such a store that keeps only what is late.
var lateBulk = []string{
	bulk("required")[0],
	declare(`persist: "/bulk": directories: "/srv/films": phase: "late", persist: "/persist": files: "/etc/fstab": {}`),
}

// bulk are commands that declare a store on the second disk, and keep something in it.
func bulk(need string) []string {
	return []string{
		"mkdir -p /bulk /srv/films && mount -t ext4 /dev/ubdb /bulk && echo '/dev/ubdb /bulk ext4 noatime 0 0' >>/etc/fstab && echo film >/srv/films/film",
		declare(`persist: "/bulk": {need: "` + need + `", directories: "/srv/films": {}}, persist: "/persist": files: "/etc/fstab": {}`),
	}
}

func ext4Disk(t *testing.T, p string) {
	if err := os.WriteFile(p, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(p, 64<<20); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.ext4", "-q", p)
}

// sees holds the answer of a fault's first command against what it should be.
func sees(want string) func(*session) {
	return func(b *session) {
		if got := b.out(first); got != want {
			b.s.t.Errorf("got %q, want %q", got, want)
		}
	}
}

func (s *small) loseStore() {
	s.mount(func(top string) {
		from := top + "/@persist"
		if s.fs != "btrfs" {
			from = top + "/anicca/store"
		}
		run(s.t, "mv", from, top+"/gone")
	})
}

func readFile(t *testing.T, p string) string {
	t.Helper()
	data, err := os.ReadFile(p)
	if err != nil {
		return err.Error()
	}
	return string(data)
}
