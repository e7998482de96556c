package config

import (
	"path"
	"slices"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/noise"
)

// report says who is told what, and that the file with the numbers is no news itself.
func (h *hoster) report(raw rawReport) {
	h.host.Report = decl.Report{Off: !raw.Enable, NoLogin: !raw.Login, NoShutdown: !raw.Shutdown, NoDesktop: !raw.Desktop}
	at := []string{"report", "metrics"}
	if len(h.places[key(at)]) == 0 || !h.cleanAbsolute(at, raw.Metrics) {
		return
	}
	file := path.Join(raw.Metrics, decl.MetricsFile)
	if err := noise.Check(file); err != nil || strings.ContainsAny(file, `*?[{\`) {
		h.say(at, "name a directory without such signs", "%q has signs in it that mean something in a pattern", raw.Metrics)
		return
	}
	h.host.Report.Metrics = raw.Metrics
	h.host.Ignore = append(h.host.Ignore, decl.Noise{Pattern: file, Why: "anicca writes it anew every few minutes", Pos: h.places.at(at...)})
	slices.SortFunc(h.host.Ignore, func(a, b decl.Noise) int { return strings.Compare(a.Pattern, b.Pattern) })
}
