// Command agent runs inside the test machines and does what the test says.
//
// It speaks JSON lines over a virtio serial port: one [Request] a line, one [Reply] a line.
// The first line that it says in every boot is a Reply with the boot id.
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Request is a shell command to run, or a file to write.
type Request struct {
	ID      int
	Command string
	Path    string
	Mode    os.FileMode
	Data    []byte
}

// Reply is how it went.
type Reply struct {
	ID     int
	Ready  string // boot id, in the greeting
	Output string // of both streams
	Code   int
}

func main() {
	port, err := os.OpenFile("/dev/virtio-ports/e2e.0", os.O_RDWR, 0)
	if err != nil {
		log.Fatal(err)
	}
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		log.Fatal(err)
	}
	out := json.NewEncoder(port)
	if err := out.Encode(Reply{Ready: strings.TrimSpace(string(id))}); err != nil {
		log.Fatal(err)
	}
	in := json.NewDecoder(bufio.NewReader(port))
	for {
		var q Request
		if err := in.Decode(&q); err != nil {
			log.Fatal(err)
		}
		r := do(q)
		r.ID = q.ID
		if err := out.Encode(r); err != nil {
			log.Fatal(err)
		}
	}
}

func do(q Request) Reply {
	if q.Path != "" {
		if err := write(q); err != nil {
			return Reply{Output: err.Error(), Code: 1}
		}
		return Reply{}
	}
	cmd := exec.Command("/bin/bash", "-c", q.Command)
	cmd.Env = append(os.Environ(), "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	r := Reply{Output: string(out)}
	if err != nil {
		r.Code = 1
		if exit, ok := err.(*exec.ExitError); ok {
			r.Code = exit.ExitCode()
		} else {
			r.Output += err.Error()
		}
	}
	return r
}

func write(q Request) error {
	if err := os.MkdirAll(filepath.Dir(q.Path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(q.Path, q.Data, q.Mode); err != nil {
		return err
	}
	return os.Chmod(q.Path, q.Mode)
}
