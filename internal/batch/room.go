package batch

import "time"

// room is what the instances that share the work of a destination can take, as
// their answers tell. The zero value knows of none.
type room struct {
	instances map[string]*instance
	// slots is what the narrowest instance runs at once: a message may reach any.
	slots int
	sweep time.Time // when those that are gone are forgotten next
}

type instance struct {
	slots int
	heard time.Time
}

const (
	// instanceLasts is how long an instance counts that is not heard of.
	instanceLasts = 30 * time.Second
	// maxInstances bounds the instances that are counted.
	maxInstances = 1024
)

// hear notes an answer of an instance that could run so many more entries at once.
// The most that it has ever said is how many it runs.
func (r *room) hear(name string, free int, now time.Time) {
	free = max(free, 1)
	known := r.instances[name]
	switch {
	case known == nil && len(r.instances) >= maxInstances:
		return
	case known == nil:
		if r.instances == nil {
			r.instances = map[string]*instance{}
		}
		r.instances[name] = &instance{slots: free, heard: now}
	default:
		known.heard = now
		if free <= known.slots && now.Before(r.sweep) {
			return
		}
		known.slots = max(known.slots, free)
	}
	r.measure(now)
}

// measure forgets the instances that are gone, and finds the narrowest.
func (r *room) measure(now time.Time) {
	r.sweep = now.Add(time.Second)
	r.slots = 0
	for name, known := range r.instances {
		switch {
		case now.Sub(known.heard) > instanceLasts:
			delete(r.instances, name)
		case r.slots == 0 || known.slots < r.slots:
			r.slots = known.slots
		}
	}
}

// holds reports whether one instance may be given that much at once, while so many
// entries are open: no more than its share of them, and than it can run. Where
// nobody has answered yet nothing may be said for more than one.
func (r *room) holds(entries int, work time.Duration, open int) bool {
	instances := len(r.instances)
	return instances > 0 && entries*instances < open+instances && work <= time.Duration(r.slots)*WorkPerMessage
}
