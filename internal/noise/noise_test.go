package noise

import (
	"path"
	"testing"

	"anicca/internal/decl"
)

func TestFind(t *testing.T) {
	var list []decl.Noise
	for _, p := range []string{"/var/cache/apt", "/**/*.pyc", "/etc/*-", "/var/lib/**/*.lock", "~/.cache", "~/.config/**/{GPUCache,Code Cache}", "/usr/lib/modules/*/modules.*"} {
		list = append(list, decl.Noise{Pattern: p})
	}
	s := New(list, []string{"/home/bird", "/srv/odd [home]*"})
	for p, want := range map[string]string{
		"/var/cache/apt":                          "/var/cache/apt",
		"/var/cache/apt/archives/x.deb":           "/var/cache/apt",
		"/var/cache/apt2":                         "",
		"/var/cache":                              "", // what lies around noise is none
		"/opt/app/deep/x.pyc":                     "/**/*.pyc",
		"/x.pyc":                                  "/**/*.pyc",
		"/opt/x.pyc/readme":                       "/**/*.pyc",
		"/etc/passwd-":                            "/etc/*-",
		"/etc/passwd":                             "",
		"/etc/ssh/moduli-":                        "", // * stays in one name
		"/var/lib/a.lock":                         "/var/lib/**/*.lock",
		"/var/lib/a/b/c.lock":                     "/var/lib/**/*.lock",
		"/home/bird/.cache/x":                     "~/.cache",
		"/home/bird/src/.cache":                   "",
		"/home/cat/.cache":                        "", // nobody's home
		"/srv/odd [home]*/.cache":                 "~/.cache",
		"/srv/odd h/.cache":                       "",
		"/srv/odd [home]*/.config/a/b/Code Cache": "~/.config/**/{GPUCache,Code Cache}",
		"/srv/odd h/.config/a/GPUCache":           "",
		"/home/bird/.config/GPUCache/x":           "~/.config/**/{GPUCache,Code Cache}",
		"/usr/lib/modules/6.1.0/modules.dep":      "/usr/lib/modules/*/modules.*",
		"/usr/lib/modules/6.1.0/kernel/x.ko":      "",
		"/":                                       "",
	} {
		n, ok := s.Find(p)
		if n.Pattern != want || ok != (want != "") {
			t.Errorf("Find(%s) = %q, %v; want %q", p, n.Pattern, ok, want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, good := range []string{"/a", "/a/*", "~/.x", "/a/**/b", "/{a,b}/[cd]"} {
		if err := Check(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "a", "*.tmp", "~", "~x/y", "/", "/*", "/**", "~/", "~/**", "/a/", "/a//b", "/a/../b", "/a/[b", "/a/{b"} {
		if Check(bad) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// TestIn asks of every name in some directories, and of what stands in patterns: the answer is that of Find.
func TestIn(t *testing.T) {
	var list []decl.Noise
	for _, p := range []string{
		"/var/cache/apt", "/**/*.pyc", "/etc/*-", "/var/lib/**/*.lock", "~/.cache", "~/.config/**/{GPUCache,Code Cache}", "/usr/lib/modules/*/modules.*",
		"/x/**", "/*/y", "/a/[!b]c", "/a/b*/c", `/odd/\*`, "/**/__pycache__", "/**/.nfs????",
	} {
		list = append(list, decl.Noise{Pattern: p})
	}
	s := New(list, []string{"/home/bird", "/srv/odd [home]*"})
	names := []string{
		"apt", "x.pyc", ".pyc", "y", "bc", "cc", "c", "*", "passwd-", "a.lock", ".cache", "GPUCache", "Code Cache", "modules.dep", "__pycache__", ".nfs1234", "x", "etc",
	}
	yes := 0
	for _, dir := range []string{
		"/", "/var/cache", "/etc", "/var/lib", "/var/lib/deep/er", "/home/bird", "/home/bird/.config", "/home/bird/.config/app", "/srv/odd [home]*", "/usr/lib/modules/6.1",
		"/q", "/a", "/a/b", "/a/bb", "/odd", "/srv",
	} {
		if _, ok := s.Find(dir); ok {
			t.Fatalf("%s is noise itself", dir)
		}
		in := s.In(dir)
		for _, n := range names {
			p := path.Join(dir, n)
			_, want := s.Find(p)
			if in(n) != want {
				t.Errorf("%s: noise is %v, want %v", p, !want, want)
			}
			if want {
				yes++
			}
		}
	}
	if yes < 40 {
		t.Errorf("only %d of them are noise", yes)
	}
}
