package config

import (
	"path"
	"slices"
	"strings"

	"anicca/internal/decl"
)

// hide is the mount option that hides a mount from file managers: GVfs, monitor/udisks2/gvfsudisks2volumemonitor.c, should_include.
// GLib itself shows no mounts of a part of a filesystem, but not every program asks GLib: gio/gunixmounts.c, guess_system_internal.
const hide = "x-gvfs-hide"

// desktop adds what file managers are told of an entry's mount.
func (h *hoster) desktop(e *decl.Entry, at []string, raw rawEntry, store rawStore) {
	if e.Kind == decl.Directory && e.Home != "" {
		h.trashInHome(e)
	}
	in := func(name string) []string { return append(at[:len(at):len(at)], name) }
	if e.Method != decl.Bind && raw.HideMounts != nil {
		h.say(in("hideMounts"), `leave hideMounts out, or write method: "bind"`, "what is kept by %s is not a mount", e.Method)
	}
	if e.Method == decl.Bind && said(raw.HideMounts, store.HideMounts) {
		e.MountOptions = append(e.MountOptions, hide)
	}
	if e.Kind == decl.Directory && said(raw.AllowTrash, said(store.AllowTrash, e.Home != "")) {
		e.MountOptions = append(e.MountOptions, decl.TrashOption)
	}
	slices.Sort(e.MountOptions)
	e.MountOptions = slices.Compact(e.MountOptions)
}

// said is what an entry says, or else what is said for all.
func said(own *bool, all bool) bool {
	if own != nil {
		return *own
	}
	return all
}

// trashInHome warns of a directory that takes the home's trash with it to another mount: nothing of the rest of the home can be moved
// there by rename, and GIO does it in no other way.
func (h *hoster) trashInHome(e *decl.Entry) {
	u, ok := h.user(nil, e.Home)
	if !ok {
		return
	}
	dir := path.Join(u.Home, ".local/share/Trash")
	if e.Path == u.Home || e.Path != dir && !strings.HasPrefix(dir, e.Path+"/") {
		return
	}
	h.host.Notes = append(h.host.Notes, decl.Problem{
		Pos: e.Pos, Path: e.Path,
		Msg: e.Path + ": the trash of the home lies in it, on another mount than the rest of the home: file managers cannot put into the trash there " +
			"what lies in the home and is not kept. Each kept directory has a trash of its own",
	})
}
