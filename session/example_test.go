package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
	"github.com/kaon-net/kaon/session"
)

// site is somewhere to go to in the examples.
func site() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/", http.StatusMovedPermanently)
			return
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s, body %q", r.Method, r.URL.Path, body)
	}))
}

func Example() {
	srv := site()
	defer srv.Close()
	ctx := context.Background()

	ses, err := session.New(session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer ses.Close(ctx)

	resp, err := ses.Fetch(ctx, srv.URL+"/old", nil)
	if err != nil {
		log.Fatal(err)
	}
	text, err := resp.Text()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Status, resp.Redirected, text)

	resp, err = ses.Fetch(ctx, srv.URL+"/form", &fetch.Init{Method: "POST", Body: strings.NewReader("a=b")})
	if err != nil {
		log.Fatal(err)
	}
	text, err = resp.Text()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Status, resp.Redirected, text)

	_, err = ses.Fetch(ctx, "http://127.0.0.1:25/", nil)
	fmt.Println(errors.Is(err, neterr.UnsafePort))
	// Output:
	// 200 true GET /, body ""
	// 200 false POST /form, body "a=b"
	// true
}

// A program that has an http.Client swaps it for the session's.
func ExampleSession_Client() {
	srv := site()
	defer srv.Close()

	ses, err := session.New(session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer ses.Close(context.Background())

	client := ses.Client()
	resp, err := client.Post(srv.URL+"/form", "text/plain", strings.NewReader("hello"))
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Status, string(body))
	// Output: 200 OK POST /form, body "hello"
}

func ExampleFromPartition() {
	work, err := session.FromPartition("work", &session.Options{Config: session.Config{UserAgent: "Example/1.0"}})
	if err != nil {
		log.Fatal(err)
	}
	defer work.Close(context.Background())

	same, err := session.FromPartition("work", nil)
	fmt.Println(same == work, same.UserAgent(), same.IsPersistent(), err)

	// What is to last needs a directory: see OpenProfile.
	_, err = session.FromPartition("persist:work", nil)
	fmt.Println(err)
	// Output:
	// true Example/1.0 false <nil>
	// net::ERR_INVALID_ARGUMENT: partition persist:work: there is no directory to keep it in: call session.OpenProfile first
}

func ExampleOpenProfile() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	profile, err := session.OpenProfile(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer profile.Close(context.Background())

	mail, err := profile.FromPartition("persist:mail", nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(mail.IsPersistent(), strings.HasPrefix(mail.StoragePath(), dir))
	// Output: true true
}

func ExampleSession_NetLog() {
	srv := site()
	defer srv.Close()
	ctx := context.Background()

	ses, err := session.New(session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer ses.Close(ctx)

	var file bytes.Buffer // a viewer of Chromium's logs opens it
	if err := ses.NetLog().Start(&file, netlog.Options{}); err != nil {
		log.Fatal(err)
	}
	resp, err := ses.Fetch(ctx, srv.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := resp.Bytes(); err != nil {
		log.Fatal(err)
	}
	if err := ses.NetLog().Stop(); err != nil {
		log.Fatal(err)
	}

	var content struct {
		Constants  map[string]any
		Events     []any
		PolledData map[string]any
	}
	if err := json.Unmarshal(file.Bytes(), &content); err != nil {
		log.Fatal(err)
	}
	fmt.Println(content.Constants["logFormatVersion"], len(content.Events) > 10, content.PolledData["socketPoolInfo"] != nil)
	// Output: 1 true true
}
