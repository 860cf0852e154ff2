package transcode

import (
	"bytes"
	"hash/maphash"
	"math"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// mapField reads an object whose members are the entries of a map.
func (p *parser) mapField(f *field, i int) int {
	if i = p.enter('{', i); i < 0 {
		return irregular
	}
	if p.at(i) == '}' {
		p.deeper++
		return i + 1
	}
	scratch := p.scratchSpace()
	keys := mapKeys{first: len(scratch.keys), table: len(scratch.slots), sorted: true}
	for more := true; more; {
		p.appendTag(f.tag)
		o := p.open()
		if i = p.mapKey(f.key, i); i < 0 {
			return irregular
		}
		key := mapKey{start: o.start + len(f.key.tag), end: len(p.out)}
		if f.key.kind == protoreflect.StringKind {
			for key.start++; p.out[key.start-1] >= 0x80; key.start++ { // Skip the length.
			}
		}
		if i = p.colon(i); i < 0 {
			return irregular
		}
		if i = p.mapValue(f.value, i); i < 0 || len(p.out) == key.end {
			return irregular // Or an unknown enum value was discarded, with its key.
		}
		moved := p.close(o)
		key.start, key.end = key.start+moved, key.end+moved
		if !p.add(&keys, key) {
			return irregular
		}
		if i, more = p.next('}', i); i < 0 {
			return irregular
		}
	}
	scratch.keys, scratch.slots = scratch.keys[:keys.first], scratch.slots[:keys.table]
	return i
}

func (p *parser) mapValue(f *field, i int) int {
	if f.message != nil {
		return p.nested(f, i)
	}
	return p.value(f, f.tag, true, i)
}

// mapKey reads a key, which is a string in JSON whatever its type.
func (p *parser) mapKey(f *field, i int) int {
	if p.at(i) != '"' {
		return irregular
	}
	if f.kind == protoreflect.StringKind {
		return p.text(f.tag, true, i)
	}
	i++
	if f.kind == protoreflect.BoolKind {
		i = p.boolean(f.tag, true, i)
	} else {
		var n integer
		n, i = p.digits(i)
		if n.negative && n.magnitude == 0 || i >= 0 && !p.appendInteger(f, f.tag, true, n) {
			return irregular
		}
	}
	if p.at(i) != '"' {
		return irregular
	}
	return i + 1
}

// mapKey is where a key stands in out, without its tag and length. Equal keys
// have equal bytes. Before the map's end nothing moves it.
type mapKey struct {
	start, end int
	hash       uint64 // only of keys in a hash table
}

// mapKeys finds keys that a map has twice. Keys that come in their order need
// but be compared with the last; a few others are compared with one another;
// many have a hash table in the scratch.
type mapKeys struct {
	first  int // in scratch.keys
	table  int // in scratch.slots, up to their end
	sorted bool
}

const (
	// maxCompared is how many keys are compared with one another.
	maxCompared = 8
	// maxKeys bounds the hash table's indexes.
	maxKeys = math.MaxInt32 / 4
)

// seed makes the hashes unpredictable for who writes the JSON.
var seed = maphash.MakeSeed()

// add remembers a key. It reports false when the map has it.
func (p *parser) add(k *mapKeys, key mapKey) bool {
	scratch := p.scratch
	known := scratch.keys[k.first:]
	text := p.out[key.start:key.end]
	if k.sorted && len(known) > 0 {
		last := known[len(known)-1]
		k.sorted = bytes.Compare(p.out[last.start:last.end], text) < 0
	}
	switch {
	case k.sorted:
	case len(known) <= maxCompared:
		for _, other := range known {
			if bytes.Equal(p.out[other.start:other.end], text) {
				return false
			}
		}
	case len(known) >= maxKeys || !p.insert(k, &key):
		return false
	}
	scratch.keys = append(scratch.keys, key)
	return true
}

// insert adds the key that comes next to the hash table, which it makes or
// makes larger when it must be.
func (p *parser) insert(k *mapKeys, key *mapKey) bool {
	scratch := p.scratch
	known := scratch.keys[k.first:]
	slots := scratch.slots[k.table:]
	if len(slots) < 2*(len(known)+1) {
		slots = p.rehash(k, known, len(slots) == 0)
	}
	key.hash = maphash.Bytes(seed, p.out[key.start:key.end])
	mask := uint64(len(slots) - 1)
	at := key.hash & mask
	for ; slots[at] != 0; at = (at + 1) & mask {
		other := known[slots[at]-1]
		if other.hash == key.hash && bytes.Equal(p.out[other.start:other.end], p.out[key.start:key.end]) {
			return false
		}
	}
	slots[at] = int32(len(known) + 1)
	return true
}

// rehash makes a hash table with room for twice the keys known. The first one
// needs their hashes.
func (p *parser) rehash(k *mapKeys, known []mapKey, first bool) []int32 {
	size := 32
	for size < 4*(len(known)+1) {
		size *= 2
	}
	scratch := p.scratch
	scratch.slots = scratch.slots[:k.table]
	for range size {
		scratch.slots = append(scratch.slots, 0)
	}
	slots, mask := scratch.slots[k.table:], uint64(size-1)
	for i := range known {
		if first {
			known[i].hash = maphash.Bytes(seed, p.out[known[i].start:known[i].end])
		}
		at := known[i].hash & mask
		for slots[at] != 0 {
			at = (at + 1) & mask
		}
		slots[at] = int32(i + 1)
	}
	return slots
}
