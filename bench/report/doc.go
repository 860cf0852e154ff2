// Package report keeps the results of a run and shows them.
//
//   - results.go: all that was measured, as JSON
//   - machine.go: on what, and with which versions
//   - headline.go: the ratios of the last line of make bench-quick
//   - markdown.go, tables.go: tables for people
//   - chart.go, svg.go: the picture that the README shows
package report
