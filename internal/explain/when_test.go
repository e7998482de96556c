package explain

import (
	"errors"
	"strings"
	"testing"

	"anicca/internal/boot"
	"anicca/internal/decl"
	"anicca/internal/plan"
)

// shown is what systemctl prints of a machine.
const shown = `Id=anicca.service
Names=anicca.service
LoadState=loaded
ActiveState=active
After=local-fs.target systemd-journald.socket

Id=anicca-late.service
Names=anicca-late.service
LoadState=loaded
ActiveState=active
After=anicca.service remote-fs.target sysinit.target

Id=sysinit.target
Names=sysinit.target
LoadState=loaded
ActiveState=active
After=anicca.service emergency.target

Id=ssh.service
Names=ssh.service sshd.service
LoadState=loaded
ActiveState=active
After=basic.target network.target

Id=basic.target
Names=basic.target
LoadState=loaded
ActiveState=active
After=sysinit.target

Id=early.service
Names=early.service
LoadState=loaded
ActiveState=active
After=local-fs.target

Id=getty@tty1.service
Names=getty@tty1.service
LoadState=loaded
ActiveState=active
After=systemd-user-sessions.service

Id=systemd-user-sessions.service
Names=systemd-user-sessions.service
LoadState=loaded
ActiveState=active
After=anicca-late.service

Id=sleeping.service
Names=sleeping.service
LoadState=loaded
ActiveState=inactive
After=anicca-late.service

Id=behind.service
Names=behind.service
LoadState=loaded
ActiveState=active
After=sleeping.service
`

func TestBefore(t *testing.T) {
	show := func(units []string) (map[string]Ordered, error) {
		all, out := map[string]Ordered{}, map[string]Ordered{}
		readShow(shown, all)
		for _, u := range units {
			out[u] = all[u]
		}
		return out, nil
	}
	early, late := When{Pass: boot.Early, Unit: earlyUnit}, When{Pass: boot.Late, Unit: lateUnit}
	for _, c := range []struct {
		when              When
		unit, answer, why string
	}{
		{When{}, "early.service", "yes", "in the initrd"},
		{early, "sshd.service", "yes", "sshd.service comes after basic.target, that after sysinit.target, that after anicca.service"},
		{early, "ssh", "yes", "ssh.service comes after"},
		{early, "early.service", "no", "write After=anicca.service into it with 'systemctl edit early.service'"},
		{early, "anicca.service", "no", "that unit itself"},
		{late, "sshd.service", "no", "nothing orders sshd.service after anicca-late.service"},
		{late, "getty@tty1.service", "yes", "systemd-user-sessions.service, that after anicca-late.service"},
		{late, "behind.service", "no", "nothing orders"}, // the unit between is no part of this boot
		{early, "nothing.service", "unknown", "there is no unit nothing.service"},
		{When{}, "nothing.service", "unknown", "there is no unit"},
	} {
		if b := before(c.when, c.unit, show); b.Answer != c.answer || !strings.Contains(b.Why, c.why) {
			t.Errorf("%s before %s: %+v, want %s: %s", c.when.Unit, c.unit, b, c.answer, c.why)
		}
	}
	not := func(units []string) (map[string]Ordered, error) {
		out, err := show(units)
		delete(out, earlyUnit)
		return out, err
	}
	if b := before(early, "sshd.service", not); b.Answer != "unknown" || !strings.Contains(b.Why, "was not started in this boot") {
		t.Errorf("without our unit: %+v", b)
	}
	failing := func([]string) (map[string]Ordered, error) { return nil, errors.New("no bus") }
	if b := before(early, "sshd.service", failing); b.Answer != "unknown" || !strings.Contains(b.Why, "no bus") {
		t.Errorf("without systemd: %+v", b)
	}
}

func TestWhen(t *testing.T) {
	b := &plan.Boot{
		Stores: []plan.BootStore{{Path: "/persist"}, {Path: "/bulk", Device: "UUID=1"}, {Path: "/home/store", Device: "UUID=2", Under: "/home"}},
		Entries: []plan.Step{
			{Path: "/etc/hostname", Store: "/persist", Phase: decl.PhaseInitrd},
			{Path: "/home/a", Store: "/persist", Under: "/home", Dir: true},
			{Path: "/home/a/b", Store: "/persist", Under: "/home"},
			{Path: "/mnt/a", Store: "/persist", Under: "/mnt", Phase: decl.PhaseLate},
			{Path: "/out", Store: "/bulk", Phase: decl.PhaseLate, Dir: true},
			{Path: "/out/in", Store: "/persist", Phase: decl.PhaseLate},
			{Path: "/srv/x", Store: "/home/store"},
			{Path: "/var/log", Store: "/persist", Phase: decl.PhaseLate},
		},
	}
	want := map[string]struct {
		pass boot.Pass
		why  string
	}{
		"/etc/hostname": {}, "/var/log": {},
		"/home/a": {boot.Early, "filesystem of /home"}, "/home/a/b": {boot.Early, "filesystem of /home"},
		"/mnt/a": {boot.Late, "filesystem of /mnt"}, "/out": {boot.Late, "does not wait for its store /bulk"},
		"/out/in": {boot.Late, "it lies in /out"}, "/srv/x": {boot.Early, "does not wait for its store /home/store"},
	}
	for _, s := range b.Entries {
		w := Machine{Boot: b}.when(s)
		if w.Pass != want[s.Path].pass || !strings.Contains(w.Why, want[s.Path].why) {
			t.Errorf("%s: %+v, want %+v", s.Path, w, want[s.Path])
		}
	}
}
