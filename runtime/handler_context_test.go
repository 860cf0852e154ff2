package runtime

import (
	"context"
	"errors"
	goruntime "runtime"
	"testing"
	"testing/synctest"
	"time"
)

// advance lets the time of a synctest bubble pass.
func advance(d time.Duration) { <-time.After(d) }

func beginHandler(parent context.Context, after time.Duration) *handlerContext {
	c := &handlerContext{}
	c.begin(parent, time.Now().Add(after), Call{Redelivered: true})
	return c
}

func TestHandlerContextEndsWithTheCallersTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := beginHandler(t.Context(), time.Second)
		if err := c.Err(); err != nil {
			t.Errorf("ended at its beginning: %v", err)
		}
		if deadline, ok := c.Deadline(); !ok || time.Until(deadline) != time.Second {
			t.Errorf("deadline %v, %v", deadline, ok)
		}
		advance(2 * time.Second)
		<-c.Done()
		if !errors.Is(c.Err(), context.DeadlineExceeded) || !errors.Is(context.Cause(c), context.DeadlineExceeded) {
			t.Errorf("ended with %v because of %v", c.Err(), context.Cause(c))
		}
		c.end()
	})
}

func TestHandlerContextEndsWithoutAnybodyAskingBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := beginHandler(t.Context(), time.Second)
		advance(2 * time.Second)
		if err := c.Err(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want that the time is over", err)
		}
		c.end()
	})
}

func TestHandlerContextEndsWithTheHandlerAndTheWorker(t *testing.T) {
	asked, unasked := beginHandler(t.Context(), time.Hour), beginHandler(t.Context(), time.Hour)
	done := asked.Done()
	asked.end()
	unasked.end()
	<-done
	<-unasked.Done()

	worker, abort := context.WithCancel(t.Context())
	running := beginHandler(worker, time.Hour)
	done = running.Done()
	abort()
	<-done
	for _, c := range []*handlerContext{asked, unasked, running} {
		if !errors.Is(c.Err(), context.Canceled) {
			t.Errorf("got %v, want that it was cancelled", c.Err())
		}
	}
	running.end()
}

// TestHandlerContextHasChildren: package context needs a goroutine for a child
// unless it finds one of its own kind among the parents.
func TestHandlerContextHasChildren(t *testing.T) {
	c := beginHandler(t.Context(), time.Hour)
	before := goruntime.NumGoroutine()
	var children []context.Context
	for i := range 100 {
		child, cancel := context.WithTimeout(context.WithValue(c, t, i), time.Minute)
		t.Cleanup(cancel)
		children = append(children, child)
	}
	if after := goruntime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines for %d children", after-before, len(children))
	}
	if call := CallFromContext(children[7]); call == nil || !call.Redelivered {
		t.Errorf("a child knows the call %v", call)
	}
	if got := children[7].Value(t); got != 7 {
		t.Errorf("a child's value is %v", got)
	}
	c.end()
	for _, child := range children {
		<-child.Done()
	}
}
