package config

import (
	"encoding/json"
	"maps"
	"slices"
)

// alike is an entry that says word for word what another of its list says: only that is held against the schema.
// Evaluating is what costs, and most entries say nothing beside their path.
type alike struct {
	store, user string // the user is empty for lists of the system
	list        string // "directories" or "files"
	name, as    string
}

// thin takes all but one of the entries that are alike out of every list.
func thin(good any) (few any, rest []alike) {
	host, _ := good.(map[string]any)
	stores, _ := host["persist"].(map[string]any)
	if stores == nil {
		return good, nil
	}
	host, stores = maps.Clone(host), maps.Clone(stores)
	host["persist"] = stores
	for name := range stores {
		store, ok := stores[name].(map[string]any)
		if !ok {
			continue
		}
		store, rest = thinSet(store, alike{store: name}, rest)
		stores[name] = store
		users, ok := store["users"].(map[string]any)
		if !ok {
			continue
		}
		users = maps.Clone(users)
		store["users"] = users
		for user := range users {
			if set, ok := users[user].(map[string]any); ok {
				users[user], rest = thinSet(set, alike{store: name, user: user}, rest)
			}
		}
	}
	return host, rest
}

// thinSet does so for the two lists of a store or of a home.
func thinSet(set map[string]any, at alike, rest []alike) (map[string]any, []alike) {
	set = maps.Clone(set)
	for _, at.list = range []string{"directories", "files"} {
		list, ok := set[at.list].(map[string]any)
		if !ok {
			continue
		}
		few, first := map[string]any{}, map[string]string{}
		for _, at.name = range slices.Sorted(maps.Keys(list)) {
			says, err := json.Marshal(list[at.name])
			if at.as, ok = first[string(says)]; ok && err == nil {
				rest = append(rest, at)
				continue
			}
			first[string(says)] = at.name
			few[at.name] = list[at.name]
		}
		set[at.list] = few
	}
	return set, rest
}

// fill gives the entry what the one that it is like has got.
func (a alike) fill(raw *rawHost) {
	set := raw.Persist[a.store].rawSet
	if a.user != "" {
		set = raw.Persist[a.store].Users[a.user]
	}
	list := set.Directories
	if a.list == "files" {
		list = set.Files
	}
	e := list[a.as]
	e.MountOptions = slices.Clone(e.MountOptions)
	list[a.name] = e
}
