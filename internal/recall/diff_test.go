package recall_test

import (
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"anicca/internal/recall"
)

// What differs beside the content is told, and what is no text, or too long, by size and hash.
func TestDiff(t *testing.T) {
	computers(t, func(t *testing.T, c *computer) {
		// user::rw- user:1000:r-- group::r-- mask::r-- other::r--
		list := []byte{
			2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 0xe8, 3, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255,
			16, 0, 4, 0, 255, 255, 255, 255, 32, 0, 4, 0, 255, 255, 255, 255,
		}
		must(t, unix.Setxattr(c.at("etc/issue"), "system.posix_acl_access", list, 0))
		must(t, unix.Setxattr(c.at("etc/issue"), "user.note", []byte("mine"), 0))
		must(t, os.Chown(c.at("etc/issue"), 0, 7))
		write(t, c.at("etc/long"), "")
		must(t, os.Truncate(c.at("etc/long"), 5<<20))
		must(t, unix.Mknod(c.at("etc/device"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))))
		c.boot()
		write(t, c.at("etc/long"), "short\n")
		must(t, unix.Mknod(c.at("etc/device"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 5))))
		for p, want := range map[string][]string{
			"/etc/issue": {
				"owner: 0:7 -> 0:0", "access list: user::rw-,user:1000:r--,group::r--,mask::r--,other::r-- -> none",
				`attribute user.note: "mine" -> none`,
			},
			"/etc/device": {"device: 1:3 -> 1:5"},
			"/etc/gone":   nil,
			"/etc/long":   nil,
		} {
			c.look("last", func(from *recall.View) {
				c.look("root", func(to *recall.View) {
					d, err := recall.Compare(from, to, p)
					must(t, err)
					if !slices.Equal(d.Meta, want) || d.Same != (p == "/etc/gone") || d.Text != "" {
						t.Errorf("%s: %q, want %q; same: %v, text %q", p, d.Meta, want, d.Same, d.Text)
					}
					if p == "/etc/long" && (d.Before.Short() != "c036cbb7553a" || d.After.Short() == d.Before.Short()) {
						t.Errorf("%s: %+v, %+v", p, d.Before, d.After)
					}
				})
			})
		}
	})
}
