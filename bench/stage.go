package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// stageOrder says what is measured in one namespace.
type stageOrder struct {
	Way     string
	Entries int
	Dir     string
	Anicca  string
	Floor   string
}

// entry is one thing to keep.
type entry struct {
	dir  bool
	path string // absolute
}

// entries lie in 25 directories, three levels below the root.
func entries(n int) []entry {
	var out []entry
	for i := range n {
		up := fmt.Sprintf("/p%02d/q%d", i%25, i%5)
		if i%10 < 7 {
			out = append(out, entry{true, fmt.Sprintf("%s/dir%05d", up, i)})
		} else {
			out = append(out, entry{false, fmt.Sprintf("%s/file%05d.conf", up, i)})
		}
	}
	return out
}

// stage is a little machine in memory: a root without anything in it, and a store that has all entries.
type stage struct {
	stageOrder
	root  string // a tmpfs; the store is mounted at persist in it
	store string
	list  string // the entries, one a line
	took  map[string]float64
}

// onStage makes the machine, does one thing to it, and prints the CPU times that it took. It is the first of a mount namespace.
func onStage(args []string) error {
	s := stage{took: map[string]float64{}}
	if err := json.Unmarshal([]byte(args[0]), &s.stageOrder); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if _, err := os.Stat("/run/mount"); err == nil { // mount(8) writes there
		if err := unix.Mount("utab", "/run/mount", "tmpfs", 0, ""); err != nil {
			return err
		}
	}
	if err := s.build(); err != nil {
		return err
	}
	if err := s.play(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(s.took)
}

func (s *stage) play() error {
	kind, files, _ := strings.Cut(s.Way, " ")
	switch kind {
	case "apply":
		if err := s.measure("floor "+files, s.self("place", s.list, s.store, s.root, files)); err != nil {
			return err
		}
		if err := s.anew(); err != nil {
			return err
		}
		return s.apply(files)
	case "other":
		return s.measure("other", exec.Command(s.Floor, "-list", s.list, "-persist", s.store, "-root", s.root, "-how", "fd", "-q"))
	case "preservation":
		return s.preservation()
	case "impermanence":
		return s.impermanence()
	case "boot":
		return s.boot()
	}
	return fmt.Errorf("internal error: no way %q", s.Way)
}

func (s *stage) measure(what string, cmd *exec.Cmd) error {
	t, err := cpu(cmd, filepath.Join(s.Dir, "output"))
	s.took[what] = t
	return err
}

func (s *stage) self(args ...string) *exec.Cmd { return exec.Command("/proc/self/exe", args...) }

// anew throws the root away, and what is mounted in it, and makes an empty one with the same store.
func (s *stage) anew() error {
	if err := unix.Unmount(s.root, unix.MNT_DETACH); err != nil {
		return err
	}
	return s.build()
}

// build makes the root and the store.
func (s *stage) build() error {
	s.root, s.list = filepath.Join(s.Dir, "root"), filepath.Join(s.Dir, "list")
	s.store = filepath.Join(s.root, "persist")
	if err := os.MkdirAll(s.root, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("root", s.root, "tmpfs", 0, "mode=0755,nr_inodes=0"); err != nil {
		return err
	}
	for _, d := range []string{"anicca/store", "persist", "proc", "etc", "bin", "tmp", "run/anicca", "declaration", "sys/fs/cgroup"} {
		if err := os.MkdirAll(filepath.Join(s.root, d), 0o755); err != nil {
			return err
		}
	}
	if err := unix.Mount(filepath.Join(s.root, "anicca/store"), s.store, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	if err := unix.Mount("proc", filepath.Join(s.root, "proc"), "proc", 0, ""); err != nil {
		return err
	}
	// The Go runtime looks for it in the mount table when it starts, and stops there, as it does on any machine.
	if err := unix.Mount("/sys/fs/cgroup", filepath.Join(s.root, "sys/fs/cgroup"), "", unix.MS_BIND, ""); err != nil {
		return err
	}
	var list strings.Builder
	for _, e := range entries(s.Entries) {
		at := filepath.Join(s.store, e.path)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		if e.dir {
			fmt.Fprintln(&list, "d", e.path)
			if err := os.Mkdir(at, 0o755); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintln(&list, "f", e.path)
		if err := os.WriteFile(at, []byte("content\n"), 0o644); err != nil {
			return err
		}
	}
	return s.write(map[string]string{
		s.list:                     list.String(),
		s.in("etc/passwd"):         "root:x:0:0::/root:/bin/sh\n",
		s.in("etc/group"):          "root:x:0:\n",
		s.in("etc/os-release"):     "ID=bench\n",
		s.in("anicca/ledger.json"): "{}\n",
		// What is placed is remembered, as on a machine that has been booted by anicca.
		s.in("run/anicca/boot.json"): `{"format":1,"outcome":"done","root":"bench"}` + "\n",
	})
}

func (s *stage) in(p string) string { return filepath.Join(s.root, p) }

func (s *stage) write(files map[string]string) error {
	var errs []error
	for p, text := range files {
		errs = append(errs, os.WriteFile(p, []byte(text), 0o644))
	}
	return errors.Join(errs...)
}

// apply measures anicca in the root: evaluating, applying, and applying again.
func (s *stage) apply(files string) error {
	if err := copyTo(s.Anicca, s.in("bin/anicca")); err != nil {
		return err
	}
	if err := s.write(map[string]string{s.in("declaration/host.cue"): s.declaration(files)}); err != nil {
		return err
	}
	anicca := func(args ...string) *exec.Cmd {
		cmd := exec.Command("/bin/anicca", append([]string{"--config", "/declaration"}, args...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: s.root}
		cmd.Dir = "/"
		return cmd
	}
	return errors.Join(
		s.measure("check", anicca("check")),
		s.measure("apply "+files, anicca("apply", "--yes")),
		s.measure("again "+files, anicca("apply", "--yes")),
		s.measure("nothing left "+files, anicca("apply", "--check")),
	)
}

// declaration names every entry, a line each.
func (s *stage) declaration(files string) string {
	var b strings.Builder
	b.WriteString("root: {backend: \"tmpfs\", reset: \"observe\"}\npersist: \"/persist\": {\n")
	for _, e := range entries(s.Entries) {
		switch {
		case e.dir:
			fmt.Fprintf(&b, "\tdirectories: %q: {}\n", e.path)
		case files == "bind":
			fmt.Fprintf(&b, "\tfiles: %q: method: \"bind\"\n", e.path)
		default:
			fmt.Fprintf(&b, "\tfiles: %q: {}\n", e.path)
		}
	}
	b.WriteString("}\n")
	return b.String()
}

func copyTo(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}
