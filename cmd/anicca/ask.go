package main

import (
	"io"

	"anicca/internal/recall"
	"anicca/internal/review"
	"anicca/internal/ui"
)

// thing is what one question is about.
type thing struct {
	item   *review.Item // that it is, or is of
	losses []recall.Loss
}

// things are the questions, in their order.
func (o restoring) things(lost *recall.Lost) []thing {
	var out []thing
	for i := range lost.Items {
		item := &lost.Items[i]
		losses := lost.Of(*item)
		if !o.all {
			out = append(out, thing{item, losses})
			continue
		}
		out = append(out, single(item, losses)...)
	}
	return out
}

func single(item *review.Item, losses []recall.Loss) []thing {
	var out []thing
	for _, l := range losses {
		out = append(out, thing{item, []recall.Loss{l}})
	}
	return out
}

// asking asks what shall come back, and brings it.
type asking struct {
	w     io.Writer
	m     *recall.Machine
	from  *recall.View
	worth review.Worth // that was told last, if any was
	told  bool
	did   bool
}

// each asks for one thing after the other. All is the word for all that is still to be asked for here.
func (a *asking) each(list []thing, all string) (quit bool, err error) {
	yes := false
	for i := 0; i < len(list); {
		t := list[i]
		answer := "yes"
		if !yes {
			if answer, err = a.about(t, all); err != nil {
				return true, err
			}
		}
		switch answer {
		case "quit":
			return true, nil
		case "back":
			return false, nil
		case "look":
			quit, err := a.inside(t)
			if quit || err != nil {
				return true, err
			}
		case "diff":
			if err := a.diff(t.losses[0]); err != nil {
				return true, err
			}
			continue
		case all:
			yes = true
			continue
		case "yes":
			a.did = true
			for _, l := range t.losses {
				if err := do(a.w, a.m, job{a.from, l.Actions}); err != nil {
					return true, err
				}
			}
		}
		i++
	}
	return false, nil
}

// about shows a thing and asks for it.
func (a *asking) about(t thing, all string) (string, error) {
	if w := t.item.Worth; w != a.worth || !a.told {
		ui.LostWorth(a.w, w)
		a.worth, a.told = w, true
	}
	ui.LostThing(a.w, *t.item, t.losses)
	words := []string{"yes", "no", "diff"}
	if len(t.losses) > 1 || t.losses[0].Whole() {
		words[2] = "look"
	}
	words = append(words, all)
	if all != "all" {
		words = append(words, "back")
	}
	return ui.Choose("Bring it back?", append(words, "quit")...)
}

// inside asks for what a thing is made of.
func (a *asking) inside(t thing) (quit bool, err error) {
	list := single(t.item, t.losses)
	if len(t.losses) == 1 {
		losses, err := a.m.Inside(a.from, t.losses[0])
		if err != nil {
			return true, err
		}
		list = single(t.item, losses)
	}
	return a.each(list, "all of it")
}

func (a *asking) diff(l recall.Loss) error {
	return with(a.m, recall.Root, func(here *recall.View) error {
		d, err := recall.Compare(here, a.from, l.Path)
		if err == nil {
			ui.Diff(a.w, d)
		}
		return err
	})
}

// end says what becomes of what came back.
func (a *asking) end() {
	if a.did {
		ui.LostAgain(a.w)
	}
}
