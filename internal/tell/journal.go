package tell

import (
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"time"

	"anicca/internal/report"
)

// JournalSocket is where the journal takes entries.
const JournalSocket = "/run/systemd/journal/socket"

// Journal writes one entry, in the native protocol: https://systemd.io/JOURNAL_NATIVE_PROTOCOL.
func Journal(socket string, entry []report.Field) error {
	var b strings.Builder
	for _, f := range entry {
		if !strings.Contains(f.Value, "\n") {
			fmt.Fprintf(&b, "%s=%s\n", f.Name, f.Value)
			continue
		}
		b.WriteString(f.Name + "\n")
		_ = binary.Write(&b, binary.LittleEndian, uint64(len(f.Value)))
		b.WriteString(f.Value + "\n")
	}
	c, err := net.Dial("unixgram", socket)
	if err != nil {
		return fmt.Errorf("write to the journal: %w", err)
	}
	defer c.Close()
	// A journal that is stuck must not hold up a shutdown.
	err = c.SetWriteDeadline(time.Now().Add(time.Second))
	if err == nil {
		_, err = c.Write([]byte(b.String()))
	}
	if err != nil {
		return fmt.Errorf("write to the journal: %w", err)
	}
	return nil
}
