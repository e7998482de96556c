package root

import "anicca/internal/decl"

// layersOf returns what a root that begins as an old root, or as the newest base, lies over, uppermost first.
func (d *Disk) layersOf(id string) ([]string, error) {
	if id == "" {
		b, err := d.Base()
		if err != nil {
			return nil, err
		}
		return d.layers(b.Number, "")
	}
	return d.layers(0, id)
}

// layers returns what a root lies over, uppermost first, if it began as the old root of that id, or as that base.
func (d *Disk) layers(base int, from string) ([]string, error) {
	var out []string
	for seen := map[string]bool{}; from != "" && !seen[from]; {
		seen[from] = true
		o, err := d.ledger.old(from)
		if err != nil {
			return nil, err
		}
		out = append(out, oldPath(from))
		if d.standsAlone() {
			return out, nil
		}
		base, from = o.Base, o.From
	}
	for seen := map[int]bool{}; base != 0 && !seen[base]; {
		seen[base] = true
		b, err := d.ledger.base(base)
		if err != nil {
			return nil, err
		}
		out = append(out, b.at())
		base = b.On
	}
	return out, nil
}

// under returns what the root in place lies over, uppermost first, also while the reset that has made it is not recorded.
func (d *Disk) under() ([]string, error) {
	r, in := d.ledger.Running, d.intent
	if in == nil {
		return d.layers(r.Base, r.From)
	}
	switch id, err := d.Current(); {
	case err != nil:
		return nil, err
	case id == in.OldUUID:
		return d.layers(r.Base, r.From)
	case in.Freeze == 0:
		return d.layers(in.Base, in.From)
	}
	below, err := d.layers(r.Base, "")
	return append([]string{basePath(in.Freeze)}, below...), err
}

// standsAlone reports whether roots are whole, rather than differences to what they lie over.
func (d *Disk) standsAlone() bool { return d.kind.Name() == decl.Btrfs }
