// Command session is a cold start of a whole session: it gets a URL and writes the
// first byte of the body.
package main

import (
	"context"
	"io"
	"log"
	"os"

	"github.com/kaon-net/kaon/session"
)

func main() {
	ses, err := session.New(session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer ses.Close(context.Background())
	resp, err := ses.Client().Get(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.CopyN(os.Stdout, resp.Body, 1); err != nil {
		log.Fatal(err)
	}
}
