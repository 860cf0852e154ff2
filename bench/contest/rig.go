package contest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mqrpc/mqrpc/bench/load"
	"github.com/mqrpc/mqrpc/bench/process"
)

// Role is what a process does in a peer.
type Role string

// The roles, in the order in which tables have them.
const (
	Client  Role = "client" // the load generator
	Gateway Role = "gateway"
	Broker  Role = "broker"
	Server  Role = "server"
)

// Roles are all of them, in that order.
func Roles() []Role { return []Role{Client, Gateway, Broker, Server} }

// Rig is the processes of one contestant, for one stage.
type Rig struct {
	children []*process.Child
	pids     map[string][]int // by role
	loader   *process.Child
}

// Start starts a child: this program with other arguments. It returns when the
// child is ready, with the address that the child says it has.
func (r *Rig) Start(ctx context.Context, role Role, args ...string) (address string, err error) {
	child, address, err := process.StartSelf(ctx, args...)
	if err != nil {
		return "", fmt.Errorf("the %s: %w", role, err)
	}
	r.Adopt(role, child)
	return address, nil
}

// Load starts the child that makes the calls, by [load.Serve]. A rig has one.
func (r *Rig) Load(ctx context.Context, args ...string) error {
	if r.loader != nil {
		return errors.New("a second load generator")
	}
	if _, err := r.Start(ctx, Client, args...); err != nil {
		return err
	}
	r.loader = r.children[len(r.children)-1]
	return nil
}

// Adopt has the rig stop a process that was started otherwise, and count its
// processor time.
func (r *Rig) Adopt(role Role, child *process.Child) {
	r.children = append(r.children, child)
	r.Watch(role, child.Pid())
}

// Watch has the rig count the processor time of a process that is not its own.
func (r *Rig) Watch(role Role, pid int) {
	if r.pids == nil {
		r.pids = map[string][]int{}
	}
	r.pids[string(role)] = append(r.pids[string(role)], pid)
}

// roundError is what a load generator says of a round that has no result. The
// next round may have one.
type roundError string

func (e roundError) Error() string { return string(e) }

// round loads the contestant once.
func (r *Rig) round(ctx context.Context, round load.Round) (load.Result, error) {
	if r.loader == nil {
		return load.Result{}, errors.New("no load generator was started")
	}
	round.Processes = r.pids
	if err := r.loader.Send(round); err != nil {
		return load.Result{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, round.Warmup+round.Measure+roundGrace)
	defer cancel()
	var outcome load.Outcome
	if err := r.loader.Receive(ctx, &outcome); err != nil {
		return load.Result{}, err
	}
	if outcome.Result == nil {
		return load.Result{}, roundError(outcome.Error)
	}
	return *outcome.Result, nil
}

// stop stops the processes, the last started first.
func (r *Rig) stop() {
	for _, child := range slices.Backward(r.children) {
		child.Stop()
	}
}
