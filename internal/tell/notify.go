package tell

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"anicca/internal/sys"
)

// Desk is the desktop of one person.
type Desk struct {
	Report  string // path of the file with what that person is told
	Quiet   string // path of a file that is there if the person wants to be left alone
	Runtime string // directory of the login, which is gone with it: what was shown is remembered there
	Bus     string // address of the session bus
	Screen  bool   // there is one: whoever shows notifications may be started
}

// DeskOf finds the desktop of whoever runs this program; its own report is found by the number of the user.
func DeskOf(home, report string) Desk {
	d := Desk{
		Report: report, Quiet: home + "/.config/anicca/quiet",
		Runtime: os.Getenv("XDG_RUNTIME_DIR"), Bus: os.Getenv("DBUS_SESSION_BUS_ADDRESS"),
		Screen: os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != "",
	}
	if d.Bus == "" && d.Runtime != "" {
		d.Bus = "unix:path=" + d.Runtime + "/bus"
	}
	return d
}

// shownName is where it is remembered what a person has been shown in this login.
const shownName = "anicca-shown.json"

type shown struct {
	News int    `json:"news"` // of the report that was shown
	ID   uint32 `json:"id"`   // of the notification
}

// Notify shows what is new and of value, once, in place of what was shown before; it takes that away when nothing of value goes any
// more. Where nobody shows notifications, it is no error, and tried again next time.
func (d Desk) Notify() error {
	if d.Runtime == "" || d.Bus == "" {
		return nil
	}
	me, err := readPersonal(d.Report)
	if err != nil {
		return err
	}
	t, err := sys.OpenTree(d.Runtime)
	if err != nil {
		return err
	}
	defer t.Close()
	was := shown{}
	if data, err := t.ReadFile(shownName); err == nil {
		_ = json.Unmarshal(data, &was) // what cannot be read is shown again
	}
	_, quiet := os.Lstat(d.Quiet)
	wanted := me.Desktop && len(me.Lines) > 0 && errors.Is(quiet, fs.ErrNotExist)
	if wanted && was.News == me.News || !wanted && was.ID == 0 {
		return nil
	}
	now := shown{}
	if wanted {
		now.News = me.News
		now.ID, err = d.show(me, was.ID)
	} else {
		err = d.call(func(ctx context.Context, o dbus.BusObject, flags dbus.Flags) error {
			return o.CallWithContext(ctx, notifications+".CloseNotification", flags, was.ID).Err
		})
	}
	if e, ok := errors.AsType[dbus.Error](err); ok && wanted && (e.Name == "org.freedesktop.DBus.Error.ServiceUnknown" || e.Name == "org.freedesktop.DBus.Error.NameHasNoOwner") {
		return nil
	} else if !ok && err != nil || ok && wanted {
		return err
	}
	data, err := json.Marshal(now)
	if err != nil {
		return err
	}
	return t.WriteFile(shownName, data, sys.Mine(0o600))
}

// notifications is who shows them, and the interface of that:
// https://specifications.freedesktop.org/notification-spec/latest/protocol.html.
const notifications = "org.freedesktop.Notifications"

func (d Desk) show(me Personal, replaces uint32) (id uint32, err error) {
	summary, body := strings.TrimSuffix(strings.TrimPrefix(me.Lines[0], "anicca: "), ":"), strings.TrimSpace(strings.Join(me.Lines[1:], "\n"))
	hints := map[string]dbus.Variant{"urgency": dbus.MakeVariant(byte(1))}
	err = d.call(func(ctx context.Context, o dbus.BusObject, flags dbus.Flags) error {
		return o.CallWithContext(ctx, notifications+".Notify", flags,
			"anicca", replaces, "drive-harddisk", summary, body, []string{}, hints, int32(-1)).Store(&id)
	})
	return id, err
}

// call asks whoever shows notifications for something.
func (d Desk) call(f func(context.Context, dbus.BusObject, dbus.Flags) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	bus, err := dbus.Connect(d.Bus, dbus.WithContext(ctx))
	if err != nil {
		return err
	}
	defer bus.Close()
	flags := dbus.Flags(0)
	if !d.Screen {
		flags = dbus.FlagNoAutoStart
	}
	return f(ctx, bus.Object(notifications, "/org/freedesktop/Notifications"), flags)
}

// readPersonal reads what one person is told. Where there is no such file, that is nothing.
func readPersonal(p string) (me Personal, err error) {
	data, err := os.ReadFile(p)
	if errors.Is(err, fs.ErrNotExist) {
		return me, nil
	}
	if err != nil {
		return me, err
	}
	if err := json.Unmarshal(data, &me); err != nil {
		return me, stale("cannot be read", p, err)
	}
	return me, nil
}
