package rabbitmq

import "slices"

// acknowledgements gathers the delivery tags of one channel that are settled
// and not yet acknowledged, to acknowledge many with one frame. The zero value
// is for a fresh channel.
type acknowledgements struct {
	pending []uint64
	// upTo is the tag up to which all are settled.
	upTo uint64
	// beyond holds the settled tags above upTo.
	beyond map[uint64]struct{}
}

// add notes a settled tag.
func (a *acknowledgements) add(tag uint64) {
	a.pending = append(a.pending, tag)
	a.settle(tag)
}

// settle notes a tag that needs no acknowledgement any more.
func (a *acknowledgements) settle(tag uint64) {
	if tag != a.upTo+1 {
		if a.beyond == nil {
			a.beyond = map[uint64]struct{}{}
		}
		a.beyond[tag] = struct{}{}
		return
	}
	a.upTo = tag
	for {
		if _, settled := a.beyond[a.upTo+1]; !settled {
			return
		}
		a.upTo++
		delete(a.beyond, a.upTo)
	}
}

// flush acknowledges all that is pending: one frame for what has nothing
// unsettled before it, one for each of the others.
func (a *acknowledgements) flush(ack func(tag uint64, multiple bool)) {
	if len(a.pending) == 0 {
		return
	}
	slices.Sort(a.pending)
	rest, _ := slices.BinarySearch(a.pending, a.upTo+1)
	if rest > 0 {
		// The tag must be one that the broker waits for: upTo may not be.
		ack(a.pending[rest-1], rest > 1)
	}
	for _, tag := range a.pending[rest:] {
		ack(tag, false)
	}
	a.pending = a.pending[:0]
}
