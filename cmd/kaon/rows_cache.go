package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/fetch"
)

// keptFor asks, in an empty cache, for the text that stays fresh so many seconds.
func (d *demo) keptFor(ctx context.Context, seconds int) (url, seen string, err error) {
	if err := d.ses.ClearCache(ctx); err != nil {
		return "", "", err
	}
	url = fmt.Sprintf("%s/kept?%d", d.origin.https, seconds)
	seen, err = d.cached(ctx, url, nil, keptText)
	return url, seen, err
}

// cached requests url and says what the cache did.
func (d *demo) cached(ctx context.Context, url string, init *fetch.Init, text string) (string, error) {
	resp, body, err := d.text(ctx, url, init)
	if err != nil {
		return "", err
	}
	return resp.Info.Cache.String(), want(body, text)
}

// wantSeen is an error unless the cache did in each step what it should have.
func wantSeen(steps ...string) (string, error) {
	var seen []string
	for i := 0; i < len(steps); i += 2 {
		got, want := steps[i], steps[i+1]
		if !strings.HasPrefix(got, want) {
			return "", fmt.Errorf("the cache says %q, want %q", got, want)
		}
		seen = append(seen, got)
	}
	return strings.Join(seen, ", then "), nil
}

func cacheHit(ctx context.Context, d *demo) (string, error) {
	url, first, err := d.keptFor(ctx, 600)
	if err != nil {
		return "", err
	}
	second, err := d.cached(ctx, url, nil, keptText)
	if err != nil {
		return "", err
	}
	if _, err := d.cached(ctx, url, &fetch.Init{Cache: fetch.CacheOnlyIfCached}, keptText); err != nil {
		return "", err
	}
	return wantSeen(first, "fwd=uri-miss; stored", second, "hit; ttl=")
}

func cacheValidated(ctx context.Context, d *demo) (string, error) {
	url, first, err := d.keptFor(ctx, 0)
	if err != nil {
		return "", err
	}
	second, err := d.cached(ctx, url, nil, keptText)
	if err != nil {
		return "", err
	}
	return wantSeen(first, "fwd=uri-miss; stored", second, "fwd=stale; fwd-status=304; stored")
}

func cacheRange(ctx context.Context, d *demo) (string, error) {
	url, _, err := d.keptFor(ctx, 600)
	if err != nil {
		return "", err
	}
	resp, body, err := d.text(ctx, url, &fetch.Init{Header: exchange.FieldsOf("Range", "bytes=10-15")})
	if err != nil {
		return "", err
	}
	seen, err := wantSeen(resp.Info.Cache.String(), "hit; ttl=")
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s: %d, %s", seen, resp.Status, resp.Header.Get("Content-Range")), want(body, "abcdef")
}

// cacheResumed reads a body half, and then asks for it again.
func cacheResumed(ctx context.Context, d *demo) (string, error) {
	if err := d.ses.ClearCache(ctx); err != nil {
		return "", err
	}
	url := d.origin.https + "/kept?600"
	resp, err := d.ses.Fetch(ctx, url, nil)
	if err != nil {
		return "", err
	}
	_, err = io.CopyN(io.Discard, resp.Body, int64(len(keptText)/2))
	resp.Body.Close()
	if err != nil {
		return "", err
	}
	resp, body, err := d.text(ctx, url, nil)
	if err != nil {
		return "", err
	}
	if err := want(body, keptText); err != nil {
		return "", err
	}
	return wantSeen(resp.Info.Cache.String(), "fwd=partial; fwd-status=206; stored")
}
