//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Every wait has an end. Emulation on a busy machine is slow: these are ten times what is usual.
const (
	bootLimit    = 6 * time.Minute
	commandLimit = 15 * time.Minute
	offLimit     = 2 * time.Minute
)

// machine is one running virtual machine.
type machine struct {
	t      *testing.T
	disk   *disk
	cmd    *exec.Cmd
	exited chan struct{}
	text   console
	conn   net.Conn
	out    *json.Encoder
	in     *json.Decoder
	id     int
}

// console collects what the machine says on its serial port.
type console struct {
	mu   sync.Mutex
	text strings.Builder
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(p)
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// power switches a machine on, with extra words on the kernel command line for this boot only.
func (d *disk) power(t *testing.T, extra string) *machine {
	t.Helper()
	dir := t.TempDir()
	socket := filepath.Join(dir, "agent")
	args := []string{
		"-machine", "pc", "-m", "1024", "-smp", "1", "-display", "none", "-no-reboot", "-nodefaults", "-serial", "stdio",
		"-drive", "file=" + d.image + ",format=raw,if=virtio,cache=writeback",
		"-device", "virtio-serial-pci", "-chardev", "socket,id=agent,server=on,wait=off,path=" + socket,
		"-device", "virtserialport,chardev=agent,name=e2e.0",
	}
	for _, image := range d.drives {
		args = append(args, "-drive", "file="+image+",format=raw,if=virtio")
	}
	args = append(args, accelerator(t)...)
	d.offline(t, func(root string) {
		if d.grub {
			setExtra(t, root, extra)
			return
		}
		for _, name := range []string{"vmlinuz", "initrd.img"} {
			found, err := filepath.Glob(root + "/boot/" + name + "-*")
			if err != nil || len(found) != 1 {
				t.Fatalf("%s in /boot: %v, %v", name, found, err)
			}
			run(t, "cp", found[0], filepath.Join(dir, name))
		}
		args = append(args, "-kernel", filepath.Join(dir, "vmlinuz"), "-initrd", filepath.Join(dir, "initrd.img"),
			"-append", d.cmdline()+" "+extra)
	})
	m := &machine{t: t, disk: d, exited: make(chan struct{})}
	d.last = m
	m.cmd = exec.Command("qemu-system-x86_64", args...)
	m.cmd.Stdout, m.cmd.Stderr = &m.text, &m.text
	// A test that is killed takes its machine along.
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() { // Pdeathsig belongs to the thread that starts: it must live as long as the machine
		lockThread()
		started <- m.cmd.Start()
		if m.cmd.Process != nil {
			_ = m.cmd.Wait()
			close(m.exited)
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.cut()
		if t.Failed() && d.last == m {
			keepConsole(t, m.text.String())
		}
	})
	m.connect(socket)
	return m
}

func (m *machine) connect(socket string) {
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			m.conn, m.out, m.in = conn, json.NewEncoder(conn), json.NewDecoder(bufio.NewReader(conn))
			return
		}
		if time.Now().After(end) {
			m.t.Fatalf("the emulator did not come up: %v\n%s", err, m.text.String())
		}
	}
}

type request struct {
	ID      int
	Command string
	Path    string
	Mode    os.FileMode
	Data    []byte
}

type reply struct {
	ID     int
	Ready  string
	Output string
	Code   int
}

func (m *machine) receive(limit time.Duration) (reply, error) {
	var r reply
	if err := m.conn.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return r, err
	}
	err := m.in.Decode(&r)
	return r, err
}

// boot switches the machine on and waits until it is up.
func (d *disk) boot(t *testing.T, extra string) *machine {
	t.Helper()
	begin := time.Now()
	m := d.power(t, extra)
	r, err := m.receive(bootLimit)
	if err != nil || r.Ready == "" {
		t.Fatalf("the machine did not come up: %v %+v\n%s", err, r, tail(m.text.String()))
	}
	state, _ := m.try("systemctl is-system-running --wait")
	t.Logf("up after %s (%s)", time.Since(begin).Round(time.Second), strings.TrimSpace(state))
	return m
}

// try runs a command in the machine, as root.
func (m *machine) try(command string) (string, int) {
	m.t.Helper()
	return m.ask(request{Command: command})
}

func (m *machine) ask(q request) (string, int) {
	m.t.Helper()
	m.id++
	q.ID = m.id
	if err := m.out.Encode(q); err != nil {
		m.t.Fatal(err)
	}
	r, err := m.receive(commandLimit)
	if err != nil || r.ID != q.ID {
		m.t.Fatalf("%.60s: no answer: %v %+v\n%s", q.Command, err, r, tail(m.text.String()))
	}
	return strings.TrimSpace(r.Output), r.Code
}

// run runs a command in the machine, as root, that must succeed.
func (m *machine) run(command string) string {
	m.t.Helper()
	out, code := m.try(command)
	if code != 0 {
		m.t.Fatalf("in the machine: %s: exit code %d\n%s", command, code, out)
	}
	return out
}

// push writes a file of the host into the machine.
func (m *machine) push(from, to string) {
	m.t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		m.t.Fatal(err)
	}
	m.write(to, string(data), 0o755)
}

func (m *machine) write(to, text string, mode os.FileMode) {
	m.t.Helper()
	if out, code := m.ask(request{Path: to, Mode: mode, Data: []byte(text)}); code != 0 {
		m.t.Fatalf("write %s: %s", to, out)
	}
}

// off shuts the machine down in an orderly way.
func (m *machine) off() {
	m.t.Helper()
	m.id++
	if err := m.out.Encode(request{ID: m.id, Command: "systemctl poweroff --no-block"}); err != nil {
		m.t.Fatal(err)
	}
	select {
	case <-m.exited:
	case <-time.After(offLimit):
		m.t.Fatalf("the machine does not switch off\n%s", tail(m.text.String()))
	}
}

// cut is a power cut: the emulator ends between two instructions.
func (m *machine) cut() {
	_ = m.cmd.Process.Kill()
	<-m.exited
}

// wait waits until the machine says something on its console.
func (m *machine) wait(marker string) {
	m.t.Helper()
	for end := time.Now().Add(bootLimit); !strings.Contains(m.text.String(), marker); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			m.t.Fatalf("%q was not said on the console\n%s", marker, tail(m.text.String()))
		}
	}
}

func tail(s string) string {
	lines := strings.Split(s, "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}

func keepConsole(t *testing.T, text string) {
	p := filepath.Join(t.ArtifactDir(), fmt.Sprintf("console-%d.txt", time.Now().UnixNano()))
	if err := os.WriteFile(p, []byte(text), 0o644); err == nil {
		t.Logf("console of the last machine: %s\n%s", p, tail(text))
	}
}
