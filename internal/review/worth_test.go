package review

import (
	"testing"

	"anicca/internal/config"
	"anicca/internal/decl"
)

// TestWeigh asks for what people would miss.
func TestWeigh(t *testing.T) {
	s := NewScale(config.Presets(), []decl.Account{{Name: "bird", UID: 1000, Home: "/home/bird"}, {Name: "root", Home: "/root"}})
	for p, want := range map[string]Finding{
		"/var/lib/bluetooth/AA:BB/CC:DD/info":                      {Credentials, "bluetooth", "/var/lib/bluetooth", ""},
		"/etc/NetworkManager/system-connections/home.nmconnection": {Credentials, "networkmanager", "/etc/NetworkManager/system-connections", ""},
		"/home/bird/.ssh/id_ed25519":                               {Credentials, "ssh", "/home/bird/.ssh", "bird"},
		"/home/bird/thesis.odt":                                    {Data, "", "", "bird"},
		"/home/bird/Documents/cv":                                  {Data, "documents", "/home/bird/Documents", "bird"},
		"/home/bird":                                               {Data, "", "", "bird"},
		"/root/notes":                                              {Data, "", "", "root"},
		"/srv/www/index.html":                                      {Data, "", "", ""},
		"/etc/hosts":                                               {Config, "", "", ""},
		"/home/bird/.config/app/rc":                                {Config, "", "", "bird"},
		"/home/bird/.vimrc":                                        {Config, "", "", "bird"},
		"/usr/share/doc/hello/copyright":                           {Software, "", "", ""},
		"/usr/lib/python3/secrets.py":                              {Software, "", "", ""},
		"/var/lib/dpkg/status":                                     {Software, "", "", ""},
		"/var/lib/app/db":                                          {State, "", "", ""},
		"/home/bird/.local/share/app/x":                            {State, "", "", "bird"},
		"/home/bird/.cache/app/key.pem":                            {Cache, "", "", "bird"},
		"/opt/app/cache/x":                                         {Cache, "", "", ""},
		"/etc/app/tls.key":                                         {Credentials, "", "", ""},
		"/home/bird/.config/app/password-store.json":               {Credentials, "", "", "bird"},
		"/data/photos/1.jpg":                                       {Data, "", "", ""},
	} {
		if got := s.Weigh(p); got != want {
			t.Errorf("%s: %+v, want %+v", p, got, want)
		}
	}
}
