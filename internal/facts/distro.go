package facts

import (
	"bufio"
	"errors"
	"io/fs"
	"strings"
)

// Distro is what /etc/os-release says, see os-release(5).
type Distro struct {
	ID   string   // such as "debian"
	Like []string // ID_LIKE
	Name string   // PRETTY_NAME
}

// ReadDistro reads os-release below a machine's root. It is empty where the file is missing.
func ReadDistro(fsys fs.FS) (Distro, error) {
	var d Distro
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		f, err := fsys.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return d, err
		}
		defer f.Close()
		sc := bufio.NewScanner(f)
		for sc.Scan() {
			key, value, _ := strings.Cut(strings.TrimSpace(sc.Text()), "=")
			value = strings.Trim(value, `"'`)
			switch key {
			case "ID":
				d.ID = value
			case "ID_LIKE":
				d.Like = strings.Fields(value)
			case "PRETTY_NAME":
				d.Name = value
			}
		}
		return d, sc.Err()
	}
	return d, nil
}
