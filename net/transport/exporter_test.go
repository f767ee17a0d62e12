package transport_test

import (
	"encoding/hex"
	"net/http"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/transport"
)

// TestExportKeyingMaterial: both ends of a connection make the same bytes, over either
// protocol.
func TestExportKeyingMaterial(t *testing.T) {
	ca := nettest.NewCA()
	for _, http1 := range []bool{true, false} {
		tr := start(t, transport.Config{TLS: trusting(t, ca), DisableHTTP2: http1})
		base, _ := serveHTTP2(t, ca, func(w http.ResponseWriter, r *http.Request) {
			b, err := r.TLS.ExportKeyingMaterial("EXPORTER-test", []byte("context"), 32)
			if err != nil {
				t.Error(err)
			}
			w.Header().Set("Exported", hex.EncodeToString(b))
		})
		resp := do(t, tr, &exchange.Request{URL: parse(t, base)})
		got, err := resp.Info.ExportKeyingMaterial("EXPORTER-test", []byte("context"), 32)
		if want := resp.Header.Get("Exported"); err != nil || hex.EncodeToString(got) != want || len(got) != 32 {
			t.Errorf("%s: got %x, %v; want %s", resp.Proto, got, err, want)
		}
	}
	tr := start(t, transport.Config{})
	if resp := do(t, tr, get(t, nettest.NewServer(t, nettest.Respond(ok)))); resp.Info.ExportKeyingMaterial != nil {
		t.Error("plain HTTP has keys")
	}
}
