// Package report keeps the results of a run and shows them.
//
//   - results.go: all that was measured, as JSON
//   - machine.go: on what, and with which versions
//   - headline.go: the ratios of the last line of make bench-quick
//   - markdown.go, tables.go: tables for people
//   - chart.go, svg.go: the picture that the README shows
//
// The picture is our own SVG. Of the libraries, go-echarts draws in a browser,
// go-analyze/charts has no logarithmic axes, and gonum/plot brings 60 packages
// with fonts that the page's reader lacks; none names lines at their ends, and
// with each of them the code would be about as long.
package report
