// Package contest lets peers take turns and says how they did.
//
// A [Contestant] knows how to start the processes of one peer, on a [Rig]. A
// contest starts all contestants of a [Stage], then measures them in
// interleaved rounds, each in turn, so that whatever else the machine does
// meets all of them alike. Of the rounds it keeps median, least and greatest.
//
//   - contest.go: stages, scenarios, the order of rounds
//   - rig.go: the processes of one contestant
//   - row.go: what a contestant did in a scenario
//   - spread.go: median, least and greatest
//
// The median is five lines over package slices. Libraries of statistics, and
// benchstat's, compare two sets of values; here the rounds of two peers are
// compared pair by pair.
package contest
