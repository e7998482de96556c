package decl

import "testing"

func TestParseMode(t *testing.T) {
	for in, want := range map[string]Mode{
		"0755": 0o755, "700": 0o700, "1777": 0o1777, "u=rwx,g=rx,o=": 0o750, "u=rwx,go=": 0o700,
		"a=rx,u+w": 0o755, "u=rwxs,g=rx": 0o4750, "a=rwxt": 0o1777, "u=rw,g=r,o=r": 0o644, "a=rwx,o-w": 0o775,
	} {
		got, err := ParseMode(in)
		if err != nil || got != want {
			t.Errorf("ParseMode(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	for _, bad := range []string{"", "8", "75", "0888", "77777", "rwx", "u=q", "z=r", "u~r"} {
		if got, err := ParseMode(bad); err == nil {
			t.Errorf("ParseMode(%q) = %v, want an error", bad, got)
		}
	}
}
