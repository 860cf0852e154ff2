package compat

import "google.golang.org/protobuf/reflect/protoreflect"

// oneofs counts, for two messages, how many of the fields that both have are in
// each oneof of either, and in each pair of them.
type oneofs struct {
	old, now map[int]int
	both     map[[2]int]int
}

func oneofsOf(old, now protoreflect.MessageDescriptor) *oneofs {
	o := &oneofs{old: make(map[int]int), now: make(map[int]int), both: make(map[[2]int]int)}
	for i := range old.Fields().Len() {
		field := old.Fields().Get(i)
		if found := now.Fields().ByNumber(field.Number()); found != nil {
			was, is := oneofIndex(field), oneofIndex(found)
			o.old[was]++
			o.now[is]++
			o.both[[2]int{was, is}]++
		}
	}
	return o
}

// changed reports whether a field shares its oneof with others than before, of
// those that both messages have.
func (o *oneofs) changed(old, now protoreflect.FieldDescriptor) bool {
	was, is := oneofIndex(old), oneofIndex(now)
	before, after, stayed := 1, 1, 1 // the field alone
	if was != none {
		before = o.old[was]
	}
	if is != none {
		after = o.now[is]
	}
	if was != none && is != none {
		stayed = o.both[[2]int{was, is}]
	}
	return before != stayed || after != stayed
}

// none is the index of the oneof of a field that is in none.
const none = -1

func oneofIndex(field protoreflect.FieldDescriptor) int {
	if oneof := field.ContainingOneof(); oneof != nil {
		return oneof.Index()
	}
	return none
}
