// Package cache will be an HTTP cache as RFC 9111 describes it: freshness,
// validation, ranges, and several requests sharing an entry while it is written. It
// will wrap any exchange.RoundTripper and keep entries in a store given to it; the
// stores in memory and on disk will be sub-packages.
//
// It stands on floor 2, the engines. It holds no code yet: today every request goes
// to the network.
package cache
