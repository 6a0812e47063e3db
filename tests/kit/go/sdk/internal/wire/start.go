package wire

import (
	"context"
	"sync"
	"time"
)

// Running is an extension between Start and Stop: its context lasts until Stop, not until Start has answered.
type Running struct {
	mu     sync.Mutex
	cancel context.CancelFunc
}

// StartWithin calls `start` and waits for it two seconds: a start that goes on longer is answered as good.
func (r *Running) StartWithin(start func(context.Context) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	r.mu.Lock()
	if r.cancel != nil {
		r.cancel()
	}
	r.cancel = cancel
	r.mu.Unlock()
	ended := make(chan error, 1)
	go func() { ended <- start(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-time.After(2 * time.Second):
		return nil
	}
}

// End cancels the context that `start` was given.
func (r *Running) End() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cancel != nil {
		r.cancel()
		r.cancel = nil
	}
}
