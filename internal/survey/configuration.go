package survey

import (
	"errors"
	"io/fs"
	"strings"
)

// configuration finds, for the directories of ConfigurationDirectory=, a file that no package brought.
func (r *reader) configuration() {
	for i := range r.m.Units {
		for k := range r.m.Units[i].Configuration {
			c := &r.m.Units[i].Configuration[k]
			n := 0
			_ = fs.WalkDir(r.fs, strings.TrimPrefix(c.Path, "/"), func(p string, d fs.DirEntry, err error) error {
				if err != nil {
					if errors.Is(err, fs.ErrPermission) {
						r.m.Private = append(r.m.Private, "/"+p)
					}
					return nil
				}
				if n++; n > most {
					return fs.SkipAll
				}
				if d.Type().IsRegular() && !r.brought.files["/"+p] {
					c.Own = "/" + p
					return fs.SkipAll
				}
				return nil
			})
		}
	}
}
