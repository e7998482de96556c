package facts

import "io/fs"

// Look returns what lies at an absolute path. It follows no link.
func Look(fsys fs.FS, p string) (Object, error) { return sight{fs: fsys}.object(p) }
