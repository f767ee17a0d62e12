// Package cache is an HTTP cache around any exchange.RoundTripper: a private one, by RFC
// 9111, with the choices of Chromium's where the RFC leaves one.
//
// It owns the rules: what may be stored, for how long, for which requests, and how several
// requests share one transfer. What entries are kept in is a store.Store: cache/mem,
// cache/disk, cache/redis. Around net/http:
//
//	s := mem.New(mem.Config{Size: 64 << 20})
//	c := cache.New(cache.Config{Store: s, Next: exchange.From(http.DefaultTransport)})
//	client := &http.Client{Transport: exchange.HTTP(c)}
//
// # Requests
//
// GET and HEAD are answered from the store; POST is if it has an UploadID, under which its
// response is stored. Fetch's cache modes are load flags: no-store is DisableCache, reload
// BypassCache, no-cache ValidateCache, force-cache SkipCacheValidation, only-if-cached that
// and OnlyFromCache. A miss of OnlyFromCache is neterr.CacheMiss; one of the directive
// only-if-cached is a response, 504. Of Cache-Control in a request all directives of RFC
// 9111 section 5.2.1 count, and stale-if-error; no-cache replaces what is stored without a
// look at it, as Pragma does, and max-age=0 has it validated unless it is immutable (RFC
// 8246). Load flags overrule what the origin said.
//
// Past the cache go: a Host field that is not the URL's, a partition with a nonce, a GET
// with a body, several ranges or another unit, If-Match, If-Unmodified-Since, If-Range.
// If-None-Match and If-Modified-Since of the caller's reach the origin and so does the
// answer the caller; a 304 that is about what is stored makes that fresh.
//
// # Responses
//
// Stored is what the RFC allows a private cache to store: also what can only be validated,
// but not 401, 407 and 416, a 206 nobody asked for, what Vary: * says depends on anything,
// and what came with a certificate that was not verified. Set-Cookie, challenges,
// Strict-Transport-Security and Clear-Site-Data go to the one who asked and are not stored.
// Without an explicit lifetime a response is fresh for a tenth of the time since
// Last-Modified if it is 200, 203 or 206, for ever if it is 300, 301, 308 or 410, and else
// not at all. An invalid Expires or max-age means stale.
//
// A response within stale-while-revalidate is given out and refreshed behind, for any GET;
// in Chromium a load flag allows that. A refresh has 60 s; when it does not succeed
// within them, the next request waits for the origin. An error of the origin (500, 502,
// 503, 504, or none at all) is replaced by a stale response within stale-if-error. What
// must be validated is never given out stale, except by SkipCacheValidation.
//
// 304 updates the fields that Chromium updates. A successful unsafe method deletes what
// is stored under its URL and under those of its Location and Content-Location, if they
// are of the same origin. Clear-Site-Data with "cache" or "*" from a trustworthy origin
// deletes all its entries, in all partitions.
//
// # Parts
//
// Under a strong validator the parts of 206 responses add up, until they are the whole,
// and a body that was cut off is resumed: what is missing is asked for with Range and
// If-Range. A whole entry answers any range, with 416 for one beyond it.
//
// # Together
//
// Requests for the same share a transfer: each reads what is there, and one of them the
// network for all, so nothing is read that nobody wants, nor held in memory. The transfer
// goes on while one of them reads, and is stored when the last byte is read. One whose
// context ends while it reads for others leaves with the next bytes. Who waits for
// another's answer goes to the origin alone after 20 s, a range after 25 ms. Once a
// response could not be stored, requests for the same do not wait at all, for 10 s or until
// one comes that could be.
//
// A store that fails breaks no response: what comes from the network goes on, and what is
// found damaged is fetched from there, under a strong validator; without one the Body
// ends with neterr.CacheReadFailure.
//
// # Other than Chromium
//
// Several variants of a URL are kept, 32 at most; Chromium keeps one. Also its own are:
// Age in responses, must-understand, no-cache with field names, stale-if-error, the
// request directives, invalidation by Location and Content-Location and by any unsafe
// method, a date that is none taken for the past, quoted numbers, and that nothing is
// stored that the RFC says must not be.
package cache
