package exchange

import (
	"context"

	"github.com/kaon-net/kaon/net/origin"
)

// Options are what a request can be told beyond what http.Request has room for.
// The zero Options is what a request without any gets.
type Options struct {
	Priority    Priority
	LoadFlags   LoadFlags
	Credentials Credentials
	SecureDNS   SecureDNSPolicy
	Key         origin.Key

	// OnInfo is called with the Info of each response once its head is there, on
	// the goroutine of the request. nil is not called.
	OnInfo func(*Info)
}

type optionsKey struct{}

// WithOptions returns a context that carries o to the [http.RoundTripper] that
// [HTTP] makes, which reads it once for each request.
func WithOptions(ctx context.Context, o *Options) context.Context {
	return context.WithValue(ctx, optionsKey{}, o)
}

func optionsOf(ctx context.Context) *Options {
	o, _ := ctx.Value(optionsKey{}).(*Options)
	return o
}
