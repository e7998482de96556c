package sys

import "io/fs"

// LinklessFS is [Tree.FS] that has nothing below a link, where that has a fault. It is for old roots, whose links would lead into the
// running one: databases of packages do not lie below links, but are looked for below /lib, which is one on most machines.
func (t *Tree) LinklessFS() fs.FS { return linklessFS{t.FS()} }

type linklessFS struct{ fs.FS }

func (f linklessFS) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	return file, linkless(err)
}

func (f linklessFS) ReadLink(name string) (string, error) {
	l, err := fs.ReadLink(f.FS, name)
	return l, linkless(err)
}

func (f linklessFS) Lstat(name string) (fs.FileInfo, error) {
	i, err := fs.Lstat(f.FS, name)
	return i, linkless(err)
}

func linkless(err error) error {
	if IsLoop(err) || IsNotDir(err) {
		return fs.ErrNotExist
	}
	return err
}
