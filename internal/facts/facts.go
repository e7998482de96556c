// Package facts is what is: the state of one machine as far as a plan needs it.
//
// Every reader takes an [fs.FS], so a txtar archive in a test is a machine.
package facts

// Facts is the state of a machine at one moment.
type Facts struct {
	Mounts     Mounts
	Fstab      Fstab
	Accounts   *Accounts
	Objects    map[string]Object // by absolute path: what lies at every entry and its source
	Root       string            // identity of the running root; empty if it is not known
	Logins     *Logins           // ways into the machine now, and into its newest base; nil where they are not known
	BaseLogins *Logins
	Moved      []Moved  // accounts that own kept data by a number that is not theirs now
	Moving     []string // stores whose data is on its way to other owners, which was interrupted
	Records    string   // path of the store that this boot has found anicca's own records in; empty if that is not known
	Boot       []byte   // the recorded boot plan of the main store, nil if there is none
}
