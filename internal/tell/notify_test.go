package tell

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"
)

// shower pretends to be what shows notifications on a desktop.
type shower struct {
	next  uint32
	Shown map[uint32]string // summary and body
	Calls int
}

func (s *shower) Notify(app string, replaces uint32, _, summary, body string, _ []string, _ map[string]dbus.Variant, _ int32) (uint32, *dbus.Error) {
	s.Calls++
	id := replaces
	if id == 0 {
		s.next++
		id = s.next
	}
	s.Shown[id] = app + ": " + summary + "\n" + body
	return id, nil
}

func (s *shower) CloseNotification(id uint32) *dbus.Error {
	delete(s.Shown, id)
	return nil
}

// bus starts a session bus, which ends with the test, and returns its address.
func bus(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Skip("needs dbus-daemon: apt-get install dbus-daemon")
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(conf, []byte(`<busconfig><type>session</type><listen>unix:path=`+dir+`/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--config-file="+conf, "--nofork", "--print-address")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	buf := make([]byte, 1024)
	n, err := out.Read(buf) // it listens when it has said so
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(buf[:n]))
}

// A person is shown what is new, once, in place of what was shown before; it goes when nothing of value goes any more.
func TestNotify(t *testing.T) {
	dir := t.TempDir()
	d := Desk{Report: dir + "/1000.json", Quiet: dir + "/quiet", Runtime: dir, Bus: bus(t), Screen: true}
	told := func(news int, desktop bool, lines ...string) {
		t.Helper()
		data, err := json.Marshal(Personal{Goes: true, News: news, Desktop: desktop, Lines: lines})
		if err == nil {
			err = os.WriteFile(d.Report, data, 0o600)
		}
		if err == nil {
			err = d.Notify()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s := &shower{Shown: map[uint32]string{}}
	sees := func(calls int, want map[uint32]string) {
		t.Helper()
		if d := cmp.Diff(want, s.Shown); d != "" || s.Calls != calls {
			t.Errorf("%d calls, want %d (-want +got):\n%s", s.Calls, calls, d)
		}
	}
	if err := d.Notify(); err != nil {
		t.Fatalf("without a report: %v", err)
	}
	told(1, true, "anicca: one", "  do it") // nobody shows it yet
	c, err := dbus.Connect(d.Bus)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Export(s, "/org/freedesktop/Notifications", notifications); err != nil {
		t.Fatal(err)
	}
	if reply, err := c.RequestName(notifications, 0); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatal(reply, err)
	}
	told(1, true, "anicca: one", "  do it")
	sees(1, map[uint32]string{1: "anicca: one\ndo it"})
	told(1, true, "anicca: one, as of later", "  do it")
	sees(1, map[uint32]string{1: "anicca: one\ndo it"})
	told(2, true, "anicca: two:", "  do it")
	sees(2, map[uint32]string{1: "anicca: two\ndo it"})
	told(2, true)
	sees(2, map[uint32]string{})
	told(3, true, "anicca: three")
	sees(3, map[uint32]string{2: "anicca: three\n"})
	told(4, false, "anicca: four")
	sees(3, map[uint32]string{})
	if err := os.WriteFile(d.Quiet, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	told(5, true, "anicca: five")
	sees(3, map[uint32]string{})
}

// Where nobody is logged in on a screen, nothing is started, and that is no error; nor is a login without a bus.
func TestNotifyWithoutDesktop(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/1000.json", []byte(`{"desktop": true, "news": 1, "lines": ["anicca: one"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]Desk{
		"no screen": {Report: dir + "/1000.json", Quiet: dir + "/quiet", Runtime: dir, Bus: bus(t)},
		"no login":  {Report: dir + "/1000.json", Quiet: dir + "/quiet"},
	} {
		if err := d.Notify(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(dir + "/" + shownName); err == nil {
			t.Errorf("%s: it is taken for shown", name)
		}
	}
}
