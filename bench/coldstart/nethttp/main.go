// Command nethttp is the measure of cold start: it gets a URL by net/http and writes
// the first byte of the body.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	resp, err := http.Get(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.CopyN(os.Stdout, resp.Body, 1); err != nil {
		log.Fatal(err)
	}
}
