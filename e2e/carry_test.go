//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// carried lets real programs change kept files, each in its own way, before an orderly end and before a power cut.
func (d *disk) carried(t *testing.T) {
	m := d.boot(t, "")
	for n, end := range []func(){func() { m.off() }, func() { m.run("sync"); m.cut() }, func() { m.off() }} {
		m.clean()
		m.write("/tmp/editor", fmt.Sprintf("#!/bin/sh\nsleep 1.1 # vipw goes by the time of change, in seconds\nexec sed -i 's/^bird:x:\\([0-9]*:[0-9]*\\):[^:]*/bird:x:\\1:number %d/' \"$1\"\n", n), 0o755)
		for _, program := range []string{
			fmt.Sprintf("printf 'secret%d\\nsecret%d\\n' | passwd bird", n, n),
			fmt.Sprintf("useradd --system number%d", n),
			"EDITOR=/tmp/editor vipw",
			"rm /etc/ssh/ssh_host_ecdsa_key /etc/ssh/ssh_host_ecdsa_key.pub && ssh-keygen -A",
			fmt.Sprintf("sed -i 's/.*/number %d/' /etc/app.conf", n),
			fmt.Sprintf("printf 'set -o history\nuname number%d\nhistory -w\n' | HISTFILE=/home/bird/.bash_history runuser -u bird -- bash", n),
		} {
			m.run(program)
		}
		const look = "cat /etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/subuid /etc/app.conf /home/bird/.bash_history; " +
			"sha256sum /etc/ssh/ssh_host_ecdsa_key /etc/ssh/ssh_host_ecdsa_key.pub; " +
			"stat -c '%n %U:%G %a' /etc/passwd /etc/shadow /etc/app.conf /home/bird/.bash_history /etc/ssh/ssh_host_ecdsa_key"
		was := m.run(look)
		for _, want := range []string{fmt.Sprintf("bird:x:1000:1000:number %d:", n), fmt.Sprintf("number%d:x:", n), fmt.Sprintf("number %d\n", n), fmt.Sprintf("uname number%d", n)} {
			if !strings.Contains(was, want) {
				t.Fatalf("%q was not changed:\n%s", want, was)
			}
		}
		end()
		m = d.boot(t, "")
		if s := m.clean(); s.Boot.Outcome != "done" {
			t.Errorf("%+v", s.Boot)
		}
		m.want(look, was)
		m.want(fmt.Sprintf("stat -c %%i /etc/passwd >/tmp/1; stat -c %%i /persist/etc/passwd >/tmp/2; cmp -s /tmp/1 /tmp/2; echo $?; findmnt /etc/passwd; cmp /etc/passwd /persist/etc/passwd && id -un number%d", n),
			fmt.Sprintf("1\nnumber%d", n))
	}
	m.off()
}
