// Package transcoding measures package transcode beside protojson, with
// generated types and with dynamicpb, in both directions.
//
// All run in this process, one at a time, in interleaved rounds. Each gets the
// same document and must give the same answer. testing.Benchmark would measure
// each contender in one piece, for a time that only a flag of tests can set.
package transcoding
