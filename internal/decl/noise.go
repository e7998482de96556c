package decl

// Noise is a pattern of paths that are not worth a word in a review: what changes there comes back by itself.
//
// A pattern is an absolute path in which * and ? stand for characters of one name, [ab] for one of them, {a,b} for either, and
// ** for any number of directories. A ~ at its beginning is the home of any person. What lies in a directory that matches is
// noise too.
type Noise struct {
	Pattern string `json:"pattern"`
	Why     string `json:"why,omitempty"`
	Topic   string `json:"topic,omitempty"` // of the catalogue; empty for what the user declared
	Pos     Pos    `json:"pos"`             // where the user declared it
}
