// Package batch gathers what goes to the same destination into messages: calls to
// a worker queue, replies to a client. A broker's cost is per message, so sharing
// messages is what makes many callers cheap; docs/batching.md has the rules and
// what they are worth.
//
// A [Gatherer] collects the entries for one destination. The first entry leaves at
// once, with those whose callers are about to call at the same moment. While a
// message is under way, that is until the broker has confirmed it, entries gather.
// They leave when the way is free and they are enough, when a message is full, or
// when they have waited for the linger. [Gatherers] holds one gatherer for each
// destination in use.
//
// A [Pace] is how long the handlers of a method take. Entries of quick methods
// share messages whoever takes these. Those of slow methods share them as far as
// the instances have room, which their answers tell: each gets its share of what is
// open, and no more than it runs at once.
//
// The package knows neither calls nor transports: a [Sender] makes a message of a
// [Batch] and says what became of it.
package batch
