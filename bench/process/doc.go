// Package process runs the bench's processes and reads what they cost.
//
// Every peer runs in processes of its own: servers, clients, brokers. Most of
// them are this program again, under another subcommand. Such a child prints
// one JSON line when it is ready ([Ready]) and ends when its standard input
// does ([WithInput]), so that none outlives the run, however that ends.
//
//   - child.go: starting, asking and stopping a child
//   - inside.go: the child's side
//   - cpu.go: the processor time of any process
//   - listener.go: which process listens on a port, by gopsutil
//
// Processor time is read by our own few lines: gopsutil and procfs have it from
// /proc, in hundredths of a second, which is 3 % of a round of 0.32 s.
package process
