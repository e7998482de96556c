//go:build e2e

package e2e

import "strings"

// reported looks how the running machine, which has something of value to lose, tells of it.
func (m *machine) reported() {
	t := m.t
	t.Helper()
	m.run(`mkdir -p /var/lib/prometheus/node-exporter && echo '{"format":99}' >/run/anicca/review.json`) // as of a later version
	m.run("systemctl start anicca-report.service")
	for p, want := range map[string]string{
		"/run/anicca/report/0.txt":                      "of value (",
		"/run/anicca/report/1000.txt":                   "of value in your home (",
		"/run/anicca/review.json":                       `"` + document + `"`,
		"/var/lib/prometheus/node-exporter/anicca.prom": "\nanicca_reset_armed 1\n",
	} {
		if out := m.run("cat " + p); !strings.Contains(out+"\n", want) {
			t.Errorf("%s has no %q:\n%s", p, want, out)
		}
	}
	m.run(`grep -E '^anicca_review_files.worth="credentials". [1-9]' /var/lib/prometheus/node-exporter/anicca.prom`)
	m.want("cat /run/anicca/report/* | grep -c /home/ || true", "0")
	m.want("stat -c '%U:%G %a' /run/anicca/report/1000.txt", "root:root 640") // an access list names the one who may read it
	m.want("runuser -u bird -- cat /run/anicca/review.json /run/anicca/report/0.json 2>/dev/null || echo refused", "refused")
	login := m.run("runuser -u bird -- script -qec 'bash -l -i -c true' /dev/null </dev/null")
	if !strings.Contains(login, "in your home") || strings.Count(login, "anicca: ") != 1 {
		t.Errorf("at login:\n%s", login)
	}
	if out := m.run("runuser -u bird -- bash -l -c 'echo plainly'"); out != "plainly" {
		t.Errorf("a login shell that is not interactive says\n%s", out)
	}
	if out := m.run("journalctl -b -o verbose MESSAGE_ID=45818ec4071547daa98f1e8021f6e73d"); !strings.Contains(out, "ANICCA_FILES_CREDENTIALS=") {
		t.Errorf("in the journal:\n%s", out)
	}
	m.want("systemctl is-enabled anicca-report.timer anicca-report.path anicca-leave.service", "enabled\nenabled\nenabled")
}
