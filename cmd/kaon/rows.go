package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
	"github.com/kaon-net/kaon/session"
)

// rows are the demo, in the order shown. Each capability adds its own.
func rows() []row {
	return []row{
		{"fetch over HTTP", fetchHTTP},
		{"fetch over HTTPS, Chromium's handshake", fetchHTTPS},
		{"unknown certificate authority refused", unknownCA},
		{"accepted by the program's verify proc", verifyProc},
		{"client certificate selected", clientCertificate},
		{"TLS settings changed", sslConfig},
		{"names found as the program says", names},
		{"POST a body and get it back", postBody},
		{"Chromium's header fields", headerFields},
		{"cookies kept and sent, by the rules", cookiesSent},
		{"https alone, once a host says so", httpsAlone},
		{"stored, and answered without the server", cacheHit},
		{"stale, and validated by the server", cacheValidated},
		{"any range out of what is stored", cacheRange},
		{"a body cut off, its rest asked for later", cacheResumed},
		{"redirects followed", redirectsFollowed},
		{"redirect loop ended after 20", redirectLoop},
		{"gzip, deflate, br and zstd decoded", decoded},
		{"one socket used again", keepAlive},
		{"30 requests at once, 6 sockets", sixSockets},
		{"30 requests at once over HTTP/2, 1 socket", oneSocket},
		{"HTTP/3 found and used", foundHTTP3},
		{"preconnect, then request", preconnect},
		{"drop-in http.Client", dropIn},
		{"bad servers, exact errors", badServers},
		{"restricted port refused", restrictedPort},
		{"cancel ends a request at once", cancelled},
		{"partitions by name", partitions},
		{"NetLog in Chromium's format", recorded},
	}
}

// text fetches url and returns the body.
func (d *demo) text(ctx context.Context, url string, init *fetch.Init) (*fetch.Response, string, error) {
	resp, err := d.ses.Fetch(ctx, url, init)
	if err != nil {
		return nil, "", err
	}
	s, err := resp.Text()
	return resp, s, err
}

// want is an error unless got is what the origin should have answered.
func want(got, want string) error {
	if got != want {
		return fmt.Errorf("the body is %.60q, want %.60q", got, want)
	}
	return nil
}

// wantCode turns the error that a row provokes into what is shown.
func wantCode(err error, code neterr.Code) (string, error) {
	if !errors.Is(err, code) {
		return "", fmt.Errorf("got %v, want %v", err, code)
	}
	return code.Error(), nil
}

func fetchHTTP(ctx context.Context, d *demo) (string, error) {
	resp, body, err := d.text(ctx, d.origin.http+"/hello", nil)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %d, %q", resp.Proto, resp.Status, body), want(body, "GET /hello")
}

func fetchHTTPS(ctx context.Context, d *demo) (string, error) {
	resp, body, err := d.text(ctx, d.origin.https+"/hello", nil)
	if err != nil {
		return "", err
	}
	s := resp.Info.TLS
	if s == nil || len(s.VerifiedChains) == 0 {
		return "", errors.New("no verified certificate")
	}
	return fmt.Sprintf("%s, %s, %d certificate chain verified", versionName(s.Version), s.CurveID, len(s.VerifiedChains)), want(body, "GET /hello")
}

func postBody(ctx context.Context, d *demo) (string, error) {
	sent := strings.Repeat("0123456789abcdef", 1<<16)
	_, got, err := d.text(ctx, d.origin.http+"/echo", &fetch.Init{Method: "POST", Body: strings.NewReader(sent)})
	if err != nil {
		return "", err
	}
	return size(float64(len(got))) + " both ways", want(got, sent)
}

func headerFields(ctx context.Context, d *demo) (string, error) {
	_, got, err := d.text(ctx, d.origin.https+"/headers", nil)
	if err != nil {
		return "", err
	}
	for _, name := range []string{"User-Agent", "Sec-Ch-Ua", "Sec-Fetch-Site", "Accept-Encoding", "Accept-Language"} {
		if !strings.Contains(got, name+": ") {
			return "", fmt.Errorf("%s was not sent", name)
		}
	}
	return fmt.Sprintf("%d fields, %s", strings.Count(got, "\r\n"), shortAgent(d.ses.UserAgent())), nil
}

func shortAgent(ua string) string {
	for f := range strings.FieldsSeq(ua) {
		if strings.HasPrefix(f, "Chrome/") {
			return f
		}
	}
	return ua
}

func redirectsFollowed(ctx context.Context, d *demo) (string, error) {
	resp, body, err := d.text(ctx, d.origin.http+"/redirect/3", nil)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d of them, ended at %s", len(resp.URLList)-1, strings.TrimPrefix(resp.URL, d.origin.http)), want(body, "arrived")
}

func redirectLoop(ctx context.Context, d *demo) (string, error) {
	_, err := d.ses.Fetch(ctx, d.origin.http+"/loop", nil)
	return wantCode(err, neterr.TooManyRedirects)
}

func decoded(ctx context.Context, d *demo) (string, error) {
	plain, err := coded.ReadFile("coded/plain.txt")
	if err != nil {
		return "", err
	}
	wire := int64(0)
	for _, coding := range []string{"gzip", "deflate", "br", "zstd"} {
		resp, got, err := d.text(ctx, d.origin.https+"/coded/"+coding, nil)
		if err != nil {
			return "", fmt.Errorf("%s: %w", coding, err)
		}
		if err := want(got, string(plain)); err != nil {
			return "", fmt.Errorf("%s: %w", coding, err)
		}
		wire += resp.Info.WireRead
	}
	return fmt.Sprintf("4 times %d bytes from %d on the wire", len(plain), wire), nil
}

func keepAlive(ctx context.Context, d *demo) (string, error) {
	d.ses.CloseAllConnections()
	before := d.origin.conns.Load()
	for i := range 10 {
		resp, _, err := d.text(ctx, d.origin.http+"/", nil)
		if err != nil {
			return "", err
		}
		if resp.Info.Reused != (i > 0) {
			return "", fmt.Errorf("request %d: reused is %t", i+1, resp.Info.Reused)
		}
	}
	return "10 requests, 1 socket", d.sockets(before, 1)
}

// sockets is an error unless n of them were opened since there had been before.
func (d *demo) sockets(before, n int64) error {
	if got := d.origin.conns.Load() - before; got != n {
		return fmt.Errorf("opened %d sockets, want %d", got, n)
	}
	return nil
}

// notShared keeps requests for the same from being answered together.
var notShared = &fetch.Init{Cache: fetch.CacheNoStore}

func sixSockets(ctx context.Context, d *demo) (string, error) {
	d.ses.CloseAllConnections()
	before := d.origin.conns.Load()
	var wg sync.WaitGroup
	errs := make([]error, 5*d.origin.crowd.size)
	for i := range errs {
		wg.Go(func() { _, _, errs[i] = d.text(ctx, d.origin.http+"/crowd", notShared) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	return "6 served at once, the others waited", d.sockets(before, 6)
}

func oneSocket(ctx context.Context, d *demo) (string, error) {
	before := d.origin.conns.Load()
	if err := d.ses.Preconnect(ctx, d.origin.h2, 1); err != nil {
		return "", err
	}
	var wg sync.WaitGroup
	errs := make([]error, 30)
	for i := range errs {
		wg.Go(func() {
			resp, _, err := d.text(ctx, d.origin.h2+"/", notShared)
			if err == nil && resp.Proto != "HTTP/2.0" {
				err = errors.New("answered over " + resp.Proto)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	return "all on one connection", d.sockets(before, 1)
}

func preconnect(ctx context.Context, d *demo) (string, error) {
	d.ses.CloseAllConnections()
	before := d.origin.conns.Load()
	if err := d.ses.Preconnect(ctx, d.origin.https, 2); err != nil {
		return "", err
	}
	resp, _, err := d.text(ctx, d.origin.https+"/", nil)
	if err != nil {
		return "", err
	}
	if !resp.Info.Reused {
		return "", errors.New("the request did not use a socket made ahead")
	}
	return "2 sockets ahead, the request took one", d.sockets(before, 2)
}

func dropIn(ctx context.Context, d *demo) (string, error) {
	client := d.ses.Client()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.origin.https+"/redirect/1", nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s at %s", resp.Status, resp.Request.URL.Path), want(string(b), "arrived")
}

func badServers(ctx context.Context, d *demo) (string, error) {
	servers := []struct {
		path string
		code neterr.Code
	}{
		{"/cut", neterr.IncompleteChunkedEncoding},
		{"/short", neterr.ContentLengthMismatch},
		{"/empty", neterr.EmptyResponse},
		{"/garbage", neterr.InvalidHTTPResponse},
	}
	for _, s := range servers {
		d.ses.CloseAllConnections() // on a fresh connection there is nothing to retry
		_, _, err := d.text(ctx, d.origin.http+s.path, nil)
		if _, err := wantCode(err, s.code); err != nil {
			return "", fmt.Errorf("%s: %w", s.path, err)
		}
	}
	return "cut, short, empty and not HTTP told apart", nil
}

func restrictedPort(ctx context.Context, d *demo) (string, error) {
	_, err := d.ses.Fetch(ctx, "http://localhost:25/", nil)
	return wantCode(err, neterr.UnsafePort)
}

func cancelled(ctx context.Context, d *demo) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make(chan error, 1)
	go func() {
		_, _, err := d.text(ctx, d.origin.http+"/hang", nil)
		errs <- err
	}()
	select {
	case <-d.origin.hanging:
	case err := <-errs:
		return "", fmt.Errorf("ended before it was cancelled, with error %v", err)
	}
	cancel()
	return wantCode(<-errs, neterr.Aborted)
}

func partitions(ctx context.Context, _ *demo) (string, error) {
	a, err := session.FromPartition("demo", nil)
	if err != nil {
		return "", err
	}
	defer a.Close(context.WithoutCancel(ctx))
	b, err := session.FromPartition("demo", nil)
	if err != nil {
		return "", err
	}
	if a != b {
		b.Close(context.WithoutCancel(ctx))
		return "", errors.New("one name gave two sessions")
	}
	if s, err := session.FromPartition("persist:demo", nil); err == nil {
		s.Close(context.WithoutCancel(ctx))
		return "", errors.New("a persistent partition was given without OpenProfile")
	}
	return "one name, one session; none on disk unasked", nil
}

func recorded(ctx context.Context, d *demo) (string, error) {
	var file bytes.Buffer
	if err := d.ses.NetLog().Start(&file, netlog.Options{}); err != nil {
		return "", err
	}
	_, _, err := d.text(ctx, d.origin.https+"/hello", nil)
	if stopErr := d.ses.NetLog().Stop(); err == nil {
		err = stopErr
	}
	if err != nil {
		return "", err
	}
	var got struct {
		Constants  map[string]any
		Events     []map[string]any
		PolledData map[string]any
	}
	if err := json.Unmarshal(file.Bytes(), &got); err != nil {
		return "", err
	}
	if len(got.Constants) == 0 || len(got.Events) == 0 || len(got.PolledData) == 0 {
		return "", errors.New("a part of the file is missing")
	}
	return fmt.Sprintf("%d events, %s", len(got.Events), size(float64(file.Len()))), nil
}
