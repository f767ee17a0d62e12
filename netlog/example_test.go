package netlog_test

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

func Example() {
	var (
		log  netlog.Log
		file bytes.Buffer
	)
	if err := log.Start(&file, netlog.Options{}); err != nil {
		fmt.Println(err)
		return
	}

	src := log.Source(netlog.SourceURLRequest)
	src.Begin(netlog.RequestAlive, netlog.URL("url", "https://me:secret@example.com/"))
	src.EndErr(netlog.RequestAlive, neterr.NameNotResolved)

	if err := log.Stop(); err != nil {
		fmt.Println(err)
		return
	}

	var read struct {
		Events []struct {
			Phase  int
			Params json.RawMessage
		}
	}
	if err := json.Unmarshal(file.Bytes(), &read); err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range read.Events {
		fmt.Printf("phase %d: %s\n", e.Phase, e.Params)
	}
	// Output:
	// phase 1: {"url":"https://example.com/ (credentials redacted)"}
	// phase 2: {"net_error":-105}
}
