package main

import (
	"context"
	"fmt"
)

// foundHTTP3 lets the origin say that it speaks HTTP/3. The next request may find a
// connection over TCP at hand and go over that; a later one does not.
func foundHTTP3(ctx context.Context, d *demo) (string, error) {
	first := ""
	for {
		resp, body, err := d.text(ctx, d.origin.h3+"/http3", nil)
		if err != nil {
			return "", err
		}
		if first == "" {
			first = resp.Proto
		}
		if resp.Proto == "HTTP/3.0" {
			return fmt.Sprintf("%s first, then %s, found by %s", first, resp.Proto, resp.Info.Alternative), want(body, "HTTP/3.0")
		}
	}
}
