// Package install turns a running machine into one that forgets.
//
// [Look] says what the machine is, [Machine.Refusals] why it cannot be done there,
// [Steps] what would be done, as data, and [Run] does it.
// Every step first looks whether it is already so: after an interruption, run it again.
package install

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/facts"
)

// Machine is what matters of a running machine before anything is done to it.
type Machine struct {
	Hostname  string
	Kernel    string // release of the running kernel
	Cmdline   string
	FSType    string // of the filesystem that the root is on
	Backend   decl.Backend
	Device    string // that the root is mounted from
	Subvol    string // of the root, from the top level; empty for the top level itself
	Mounts    facts.Mounts
	Modules   bool // the root has the running kernel's modules
	Systemd   bool
	Container bool
	Generator Generator
	Images    []Image   // that must be rebuilt
	UKIs      []string  // unified kernel images that boot loaders find
	Unclear   []Refusal // why it cannot be told for certain how the images are made
	UUID      string    // of the filesystem that the root is on; known while the steps are done
	Fstab     string
	Store     string   // where the store is, or will be, mounted
	StoreSub  string   // its path from the top level
	Mounted   bool     // the store is mounted already
	Declared  []string // files in the declaration directory
	SSHKeys   []string // ssh host keys that exist
	Accounts  []string // account databases that exist, and are the administrator's to change
	Dirs      []string // directories that exist, are on the root, and that every machine needs
	Swapfiles []string // in use, on the root
	ZFS       zfs      // of a root that is a dataset
	Volumes   []string // mount points of subvolumes that have to be reset with the root
	Apart     []string // mount points of other filesystems that belong to the root, and cannot be reset with it
}

// String says in a sentence what was found.
func (m Machine) String() string {
	where := m.Device
	if m.Subvol != "" && m.FSType != "zfs" {
		where = "subvolume " + m.Subvol + " of " + m.Device
	}
	by := "initrds by " + string(m.Generator)
	if m.Generator == Shim {
		by = "no initrd that anicca can hook into"
	}
	return fmt.Sprintf("This machine has a %s root, %s, and %s. Fresh roots are made with the backend %s.", m.FSType, where, by, m.Backend)
}

// Source is where Look reads a machine from.
type Source struct {
	FS       fs.FS // its root
	Kernel   string
	Hostname string
	Store    string // where the user wants the store; empty for /persist
	Backend  string // that the user wants; empty for what fits
	Pools    string // what root.ListPools says, where the root is on ZFS
	Datasets string // what root.ListDatasets says of the root's pool
}

// wanted are the directories that a starter declaration keeps where they exist.
var wanted = []string{
	"/etc/NetworkManager/system-connections", "/etc/netplan", "/etc/nixos", "/home", "/root",
	"/var/lib/NetworkManager", "/var/lib/nixos", "/var/lib/systemd", "/var/log",
}

// Look reads a machine. It changes nothing.
func Look(src Source) (Machine, error) {
	m := Machine{Hostname: src.Hostname, Kernel: src.Kernel, Store: src.Store}
	if m.Store == "" {
		m.Store = "/persist"
	}
	table, err := src.FS.Open("proc/self/mountinfo")
	if err != nil {
		return m, err
	}
	defer table.Close()
	if m.Mounts, err = facts.ReadMounts(table, ""); err != nil {
		return m, err
	}
	root, ok := m.Mounts.At("/")
	if !ok {
		return m, errors.New("proc/self/mountinfo: no root filesystem in the mount table")
	}
	if disk, ok := m.Mounts.At(decl.DiskDir); ok && root.FSType == "overlay" { // set up before
		root = disk
	}
	m.FSType, m.Device = root.FSType, root.Source
	m.Subvol, _ = root.FromTop()
	m.Backend = backend(m, src.Backend)
	m.Cmdline = strings.TrimSpace(text(src.FS, "proc/cmdline"))
	m.Fstab = text(src.FS, "etc/fstab")
	for _, lib := range []string{"usr/lib/modules/", "lib/modules/", "run/booted-system/kernel-modules/lib/modules/"} {
		m.Modules = m.Modules || exists(src.FS, lib+m.Kernel)
	}
	m.Systemd = exists(src.FS, "run/systemd/system")
	m.Container = exists(src.FS, "run/systemd/container")
	m.generator(src.FS)
	m.store(root)
	if m.FSType == "zfs" {
		m.ZFS = lookZFS(src, m.Generator)
	}
	m.Declared, _ = fs.Glob(src.FS, "etc/anicca/*.cue")
	json, _ := fs.Glob(src.FS, "etc/anicca/*.json")
	m.Declared = append(m.Declared, json...)
	keys, _ := fs.Glob(src.FS, "etc/ssh/ssh_host_*_key*")
	for _, k := range keys {
		m.SSHKeys = append(m.SSHKeys, "/"+k)
	}
	for _, p := range []string{"/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/subuid", "/etc/subgid"} {
		if exists(src.FS, p[1:]) && !exists(src.FS, "etc/NIXOS") { // which makes them anew from its own declaration
			m.Accounts = append(m.Accounts, p)
		}
	}
	m.Swapfiles = swapfiles(src.FS, m.Mounts)
	m.parts(src.FS, root)
	for _, d := range wanted {
		if _, own := m.Mounts.At(d); !own && exists(src.FS, d[1:]) {
			m.Dirs = append(m.Dirs, d)
		}
	}
	return m, nil
}

// store finds the store: what is mounted there, or a name in the style of the root's own.
func (m *Machine) store(root facts.Mount) {
	if s, ok := m.Mounts.At(m.Store); ok {
		m.Mounted = true
		if p, whole := s.FromTop(); whole && s.Beside(root) {
			m.StoreSub = p
		}
		return
	}
	if m.Backend != decl.Btrfs {
		m.StoreSub = overlayStore
		return
	}
	m.StoreSub = path.Base(m.Store)
	if strings.HasPrefix(m.Subvol, "@") {
		m.StoreSub = "@" + m.StoreSub
	}
}

// swapfiles reads the swap files on the root from /proc/swaps.
func swapfiles(fsys fs.FS, mounts facts.Mounts) []string {
	var out []string
	for line := range strings.Lines(text(fsys, "proc/swaps")) {
		f := strings.Fields(line)
		if len(f) < 2 || f[1] != "file" {
			continue
		}
		p := strings.ReplaceAll(f[0], `\040`, " ")
		if at, _, ok := mounts.Place(p); ok && at.Target == "/" {
			out = append(out, p)
		}
	}
	return out
}

// overlayStore is where the store of a machine lies whose root is an overlay, from the top level.
const overlayStore = "anicca/store"

// backend chooses what fits the root.
func backend(m Machine, wanted string) decl.Backend {
	switch {
	case wanted != "":
		return decl.Backend(wanted)
	case m.FSType == "zfs":
		return decl.ZFS
	case m.FSType == "btrfs" && m.Subvol != "":
		return decl.Btrfs
	}
	return decl.Overlay
}

// parts finds what belongs to the root and is mounted apart from it.
func (m *Machine) parts(fsys fs.FS, root facts.Mount) {
	for _, p := range []string{"/usr", "/var/lib/dpkg", "/var/lib/rpm", "/var/lib/pacman"} {
		at, _, ok := m.Mounts.Place(p)
		if !ok || at.Target == "/" || !exists(fsys, p[1:]) {
			continue
		}
		same := at.FSType == "btrfs" && at.Major == root.Major && at.Minor == root.Minor && strings.Trim(at.Root, "/") != ""
		list := &m.Apart
		if same && m.Backend == decl.Btrfs && at.Target != "/usr" { // initrds mount /usr by themselves
			list = &m.Volumes
		}
		if !slices.Contains(*list, at.Target) {
			*list = append(*list, at.Target)
		}
	}
}

func text(fsys fs.FS, p string) string {
	b, _ := fs.ReadFile(fsys, p)
	return string(b)
}

func exists(fsys fs.FS, p string) bool {
	_, err := fs.Stat(fsys, p)
	return err == nil
}
