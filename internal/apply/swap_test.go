package apply_test

import (
	"fmt"
	"os"
	"os/signal"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// swapEnv makes this test program the hostile user of [TestHostileHome]: it gets the root of the machine and that of the
// store as its third and fourth descriptor, and its targets from the environment.
const swapEnv = "ANICCA_TEST_SWAP"

// swapper is a user who replaces whatever it owns, as fast as it can.
type swapper struct {
	roots   []int // where home/bird lies, twice
	targets []string
	done    int // swaps that worked
}

// swap replaces components of the user's home, here and in the store, by links to elsewhere and back, until it is told to stop.
// Then it says how often.
func swap() {
	var stop atomic.Bool
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	go func() { <-c; stop.Store(true) }()
	s := swapper{roots: []int{3, 4}, targets: strings.Split(os.Getenv(swapEnv), ":")}
	for i := 0; !stop.Load(); i++ {
		root := s.roots[i%len(s.roots)]
		for j, p := range hostileComponents {
			s.component(root, path.Join("home/bird", p), s.targets[(i/2+j)%len(s.targets)])
			s.unfinished(root, path.Dir(path.Join("home/bird", p)))
		}
	}
	fmt.Println(s.done)
}

// component puts a link at p for a moment, whatever lies there: a symbolic one, or now and then a second name of a file that
// everybody may write to.
func (s *swapper) component(root int, p, target string) {
	link := p + ".link"
	_ = unix.Unlinkat(root, link, 0)
	if s.done%5 != 0 || unix.Linkat(s.roots[0], "srv/everybody", root, link, 0) != nil {
		if unix.Symlinkat(target, root, link) != nil {
			return
		}
	}
	if unix.Renameat2(root, link, root, p, unix.RENAME_EXCHANGE) == nil {
		s.done++
		_ = unix.Renameat2(root, link, root, p, unix.RENAME_EXCHANGE)
	} else if unix.Renameat2(root, link, root, p, unix.RENAME_NOREPLACE) == nil {
		s.done++
		_ = unix.Renameat2(root, p, root, link, unix.RENAME_NOREPLACE)
	}
	_ = unix.Unlinkat(root, link, 0)
}

// unfinished replaces what is being made in a directory by another name of a file that everybody may write to,
// or by a link.
func (s *swapper) unfinished(root int, dir string) {
	fd, err := unix.Openat(root, dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return
	}
	d := os.NewFile(uintptr(fd), dir)
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	for _, n := range names {
		if !strings.HasPrefix(n, ".anicca-tmp-") {
			continue
		}
		if unix.Renameat(fd, n, fd, "aside"+strconv.Itoa(s.done)) == nil {
			s.done++
			if s.done%2 == 0 || unix.Linkat(s.roots[0], "srv/everybody", fd, n, 0) != nil {
				_ = unix.Symlinkat(s.targets[0], fd, n)
			}
		}
	}
}
