// Package pac will run proxy auto-config scripts: FindProxyForURL with its helper
// functions, several evaluations at once, each with limits on time and memory. It
// will be the only package that knows a JavaScript engine.
//
// It stands on floor 2, the engines: it will be given a resolver and the script's
// text, and fetch neither by itself. It holds no code yet.
package pac
