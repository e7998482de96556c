package main

import (
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// placer puts entries in place by the system calls that this takes at the least, if paths must not be led elsewhere by links.
type placer struct {
	store, root int
	made        map[string]bool
}

// placeOnly reads a list of entries, and puts them in place: LIST STORE ROOT bind|carry.
func placeOnly(args []string) error {
	data, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	unix.Umask(0)
	p := placer{made: map[string]bool{}}
	for i, at := range []*int{&p.store, &p.root} {
		if *at, err = unix.Open(args[1+i], unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
			return err
		}
	}
	for line := range strings.Lines(string(data)) {
		dir, at := line[0] == 'd', strings.TrimSpace(line[3:])
		if err := p.parents(at); err != nil {
			return err
		}
		switch {
		case dir:
			err = p.directory(at)
		case args[3] == "carry":
			err = p.file(at)
		default:
			err = p.empty(at)
		}
		if err == nil && (dir || args[3] != "carry") {
			err = p.bind(at)
		}
		if err != nil {
			return &os.PathError{Op: "place", Path: at, Err: err}
		}
	}
	if args[3] != "carry" {
		return nil
	}
	all, err := unix.Open(args[2], unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return unix.Syncfs(all)
}

func open(dir int, name string, flags uint64) (int, error) {
	return unix.Openat2(dir, name, &unix.OpenHow{
		Flags: flags | unix.O_CLOEXEC | unix.O_NOFOLLOW, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	})
}

func (p *placer) parents(at string) error {
	up := path.Dir(at)
	if up == "." || p.made[up] {
		return nil
	}
	if err := p.parents(up); err != nil {
		return err
	}
	p.made[up] = true
	return p.directory(up)
}

func (p *placer) directory(at string) error {
	var s unix.Stat_t
	if err := unix.Fstatat(p.store, at, &s, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	switch err := unix.Mkdirat(p.root, at, s.Mode&0o7777); {
	case err == unix.EEXIST:
		return nil
	case err != nil:
		return err
	case s.Uid == 0 && s.Gid == 0:
		return nil
	}
	return unix.Fchownat(p.root, at, int(s.Uid), int(s.Gid), unix.AT_SYMLINK_NOFOLLOW)
}

func (p *placer) empty(at string) error {
	fd, err := unix.Openat(p.root, at, unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

func (p *placer) bind(at string) error {
	from, err := open(p.store, at, unix.O_PATH)
	if err != nil {
		return err
	}
	defer unix.Close(from)
	to, err := open(p.root, at, unix.O_PATH)
	if err != nil {
		return err
	}
	defer unix.Close(to)
	m, err := unix.OpenTree(from, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
	if err != nil {
		return err
	}
	defer unix.Close(m)
	return unix.MoveMount(m, "", to, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
}

// file copies the kept copy, with its owner, mode and times, to a temporary name, and gives it its own.
func (p *placer) file(at string) error {
	from, err := open(p.store, at, unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer unix.Close(from)
	var s unix.Stat_t
	if err := unix.Fstat(from, &s); err != nil {
		return err
	}
	dir, err := open(p.root, path.Dir(at), unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	tmp := ".tmp-" + path.Base(at)
	to, err := unix.Openat(dir, tmp, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer unix.Close(to)
	buf := make([]byte, s.Size)
	n, err := unix.Read(from, buf)
	if err == nil {
		_, err = unix.Write(to, buf[:n])
	}
	if err == nil {
		err = unix.Fchown(to, int(s.Uid), int(s.Gid))
	}
	if err == nil {
		err = unix.Fchmod(to, s.Mode&0o7777)
	}
	if err == nil {
		err = unix.UtimesNanoAt(to, "", []unix.Timespec{s.Atim, s.Mtim}, unix.AT_EMPTY_PATH)
	}
	if err == nil {
		err = unix.Renameat(dir, tmp, dir, path.Base(at))
	}
	return err
}
