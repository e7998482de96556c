package explain

import (
	"context"
	"slices"
	"strings"
	"time"

	"anicca/internal/sys"
)

// Systemd asks systemd for the order of units, as systemctl(1) shows it.
func Systemd(units []string) (map[string]Ordered, error) {
	if sys.Program("systemctl") == "" {
		return nil, errNoSystemd
	}
	out := map[string]Ordered{}
	for part := range slices.Chunk(units, 200) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		text, err := sys.Run(ctx, "systemctl", append([]string{"show", "-p", "Id,Names,LoadState,ActiveState,After", "--"}, part...)...)
		cancel()
		if err != nil {
			return nil, err
		}
		readShow(text, out)
	}
	return out, nil
}

// readShow reads what 'systemctl show' prints: a block of lines for each unit.
func readShow(text string, out map[string]Ordered) {
	for block := range strings.SplitSeq(text, "\n\n") {
		var o Ordered
		var names []string
		for line := range strings.Lines(block) {
			k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
			switch k {
			case "Id", "Names":
				names = append(names, strings.Fields(v)...)
			case "LoadState":
				o.Loaded = v == "loaded" || v == "merged"
			case "ActiveState":
				o.Active = v != "inactive"
			case "After":
				o.After = strings.Fields(v)
			}
		}
		for _, n := range names {
			out[n] = o
		}
	}
}
