package gateway

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestCallContext(t *testing.T) {
	t.Run("ends in time", func(t *testing.T) {
		c := newCallContext(t.Context(), time.Millisecond)
		defer c.end()
		<-c.Done()
		if !errors.Is(c.Err(), context.DeadlineExceeded) {
			t.Error(c.Err())
		}
	})
	t.Run("ends with the request", func(t *testing.T) {
		request, leave := context.WithCancel(t.Context())
		c := newCallContext(request, time.Hour)
		defer c.end()
		if c.Err() != nil {
			t.Error(c.Err())
		}
		leave()
		<-c.Gone()
		<-c.Done()
		if !errors.Is(c.Err(), context.Canceled) {
			t.Error(c.Err())
		}
	})
	t.Run("ends with the call", func(t *testing.T) {
		c := newCallContext(t.Context(), time.Hour)
		child, cancel := context.WithCancel(c)
		defer cancel()
		c.end()
		<-child.Done()
		late := newCallContext(t.Context(), time.Hour)
		late.end()
		<-late.Done() // who asks only now
	})
	t.Run("has the earlier deadline", func(t *testing.T) {
		request, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		want, _ := request.Deadline()
		c := newCallContext(request, time.Hour)
		defer c.end()
		if got, ok := c.Deadline(); !ok || !got.Equal(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
	t.Run("has the request's values", func(t *testing.T) {
		type key struct{}
		c := newCallContext(context.WithValue(t.Context(), key{}, "value"), time.Hour)
		defer c.end()
		before := c.Value(key{})
		_ = c.Done()
		if after := c.Value(key{}); before != "value" || after != "value" {
			t.Errorf("got %v, then %v", before, after)
		}
	})
}
