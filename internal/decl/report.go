package decl

// MetricsFile is what anicca writes for node_exporter, in one of its directories.
const MetricsFile = "anicca.prom"

// Report says who is not told how much of value the next reset would drop. The zero value tells everybody.
type Report struct {
	Off        bool   `json:"off,omitempty"` // nothing is counted, and nobody is told
	NoLogin    bool   `json:"noLogin,omitempty"`
	NoShutdown bool   `json:"noShutdown,omitempty"`
	NoDesktop  bool   `json:"noDesktop,omitempty"`
	Metrics    string `json:"metrics,omitempty"` // directory for [MetricsFile]; empty for the usual one, where it is
}
