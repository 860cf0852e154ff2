package memory

import (
	"cmp"
	"slices"
)

// exchange is a topic exchange. The broker's mu guards it.
type exchange struct {
	exact    map[string][]*queue // bindings without wildcards, by key
	patterns []binding           // bindings with wildcards
}

type binding struct {
	key     string
	pattern pattern
	queue   *queue
}

func newExchange() *exchange { return &exchange{exact: map[string][]*queue{}} }

// bind binds a queue; binding it again does nothing.
func (e *exchange) bind(key string, q *queue) {
	if !isPattern(key) {
		if bound := e.exact[key]; !slices.Contains(bound, q) {
			e.exact[key] = inOrder(append(slices.Clone(bound), q))
		}
		return
	}
	for _, b := range e.patterns {
		if b.key == key && b.queue == q {
			return
		}
	}
	e.patterns = append(e.patterns, binding{key: key, pattern: words(key), queue: q})
}

// unbind removes all bindings of a queue with that key.
func (e *exchange) unbind(key string, q *queue) {
	remaining := slices.DeleteFunc(slices.Clone(e.exact[key]), func(bound *queue) bool { return bound == q })
	if len(remaining) > 0 {
		e.exact[key] = remaining
	} else {
		delete(e.exact, key)
	}
	e.patterns = slices.DeleteFunc(e.patterns, func(b binding) bool { return b.key == key && b.queue == q })
}

// route returns the queues for a routing key, each once, in the order in which
// they are to be locked. The result must not be changed.
func (e *exchange) route(key string) []*queue {
	exact := e.exact[key]
	if len(e.patterns) == 0 {
		return exact
	}
	routed := slices.Clone(exact)
	split := words(key)
	for _, b := range e.patterns {
		if b.pattern.matches(split) && !slices.Contains(routed, b.queue) {
			routed = append(routed, b.queue)
		}
	}
	return inOrder(routed)
}

func inOrder(queues []*queue) []*queue {
	slices.SortFunc(queues, func(a, b *queue) int { return cmp.Compare(a.id, b.id) })
	return queues
}
