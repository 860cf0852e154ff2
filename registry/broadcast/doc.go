// Package broadcast is the notifier that tells every gateway of a change by a
// message on the exchange mqrpc.changes, which carries the whole new state. It
// holds nothing itself: it goes with any registry.Store. PROTOCOL.md section 8
// specifies the message.
//
// Messages travel over a transport.Transport. What may be lost on the way, while a
// gateway has no connection or its queue is full, is found by asking the store:
// after every connection the notifier says that news may have been lost.
//
// The files:
//
//	notifier.go  Notifier: announcing
//	watch.go     Watch: the queue of a gateway and its connection
package broadcast
