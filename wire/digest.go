package wire

import (
	"crypto/sha256"
	"encoding/binary"
)

// Digest names a call in control messages, by PROTOCOL.md section 5.3. Who reads
// it learns nothing of the id, and so cannot answer the call.
func Digest(client string, id uint64) uint64 {
	// A client's name, a zero byte and an id. A longer name moves to the heap.
	var memory [MaxWordBytes + 1 + 8]byte
	text := append(memory[:0], client...)
	text = append(text, 0)
	text = binary.LittleEndian.AppendUint64(text, id)
	sum := sha256.Sum256(text)
	return binary.LittleEndian.Uint64(sum[:])
}
