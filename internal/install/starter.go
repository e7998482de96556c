package install

import "anicca/internal/config"

// comments say why a starter declaration keeps something.
var comments = map[string]string{
	"/etc/NetworkManager/system-connections": "Wi-Fi passwords and other connections.",
	"/etc/netplan":                           "Network configuration.",
	"/etc/nixos":                             "The configuration of NixOS.",
	"/home":                                  "All of every home, to begin with. Narrow it when you dare: remove this and list directories under users.",
	"/root":                                  "The home of root.",
	"/var/lib/NetworkManager":                "Leases and the key of stable addresses.",
	"/var/lib/nixos":                         "The numbers of users and groups.",
	"/var/lib/systemd":                       "Timers that remember when they last ran, random seed, and the like.",
	"/var/log":                               "Logs, with the journal.",
}

// Starter returns the text of the declaration that the machine begins with.
func Starter(m Machine) string {
	s := config.StarterFacts{Host: m.Hostname, Backend: string(m.Backend), Store: m.Store, Volumes: m.Volumes}
	for _, d := range m.Dirs {
		s.Dirs = append(s.Dirs, config.StarterEntry{Path: d, Comment: comments[d]})
	}
	s.Dirs = append(s.Dirs, config.StarterEntry{Path: "/etc/anicca", Comment: "This declaration."})
	s.Files = []config.StarterEntry{{Path: "/etc/machine-id", Comment: "Who this machine is: journals, network addresses and licences hang on it."}}
	for _, p := range m.Accounts {
		s.Files = append(s.Files, config.StarterEntry{Path: p, Comment: "Who may log in, and with which password."})
	}
	for _, k := range m.SSHKeys {
		s.Files = append(s.Files, config.StarterEntry{Path: k, Comment: "How others recognise this machine."})
	}
	return config.Starter(s)
}
