package message_test

import (
	"reflect"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/internal/message"
	"github.com/kaon-net/kaon/net/neterr"
)

func TestSection(t *testing.T) {
	const malformed = neterr.QUICProtocolError
	tests := []struct {
		name   string
		fields exchange.Fields
		status int
		want   exchange.Fields
		fault  neterr.Code
	}{
		{"head", exchange.FieldsOf(":status", "200", "a", "b"), 200, exchange.FieldsOf("a", "b"), 0},
		{"trailer", exchange.FieldsOf("a", "b\tc\x80"), 0, exchange.FieldsOf("a", "b\tc\x80"), 0},
		{"connection fields", exchange.FieldsOf(":status", "200", "keep-alive", "x"), 200, nil, 0},
		{"short status", exchange.FieldsOf(":status", "20"), 0, nil, malformed},
		{"no number", exchange.FieldsOf(":status", "2x0"), 0, nil, malformed},
		{"below 100", exchange.FieldsOf(":status", "099"), 0, nil, malformed},
		{"two statuses", exchange.FieldsOf(":status", "200", ":status", "200"), 0, nil, malformed},
		{"status last", exchange.FieldsOf("a", "b", ":status", "200"), 200, exchange.FieldsOf("a", "b"), malformed},
		{"pseudo-field", exchange.FieldsOf(":status", "200", ":path", "/"), 200, nil, malformed},
		{"upper case", exchange.FieldsOf("A", "b"), 0, nil, malformed},
		{"no name", exchange.FieldsOf("", "b"), 0, nil, malformed},
		{"value", exchange.FieldsOf("a", "b\n"), 0, nil, malformed},
		{"nothing counts after a fault", exchange.FieldsOf("A", "b", "a", "b"), 0, nil, malformed},
		{"too big", exchange.FieldsOf("a", "b", "c", "0123456789012345678901234567890"), 0, nil, neterr.ResponseHeadersTooBig},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s message.Section
			s.Begin(nil, 90, malformed)
			size := 0
			for name, value := range tt.fields.All() {
				line := message.LineOf(name, value)
				s.Add(&line)
				size += len(name) + len(value) + 32
			}
			if s.Fault != tt.fault || s.Size != size || s.IsFull() != (size > 90) {
				t.Errorf("fault %v, size %d, full %v; want %v, %d", s.Fault, s.Size, s.IsFull(), tt.fault, size)
			}
			if s.Status != tt.status || len(s.Fields)+len(tt.want) > 0 && !reflect.DeepEqual(exchange.Fields(s.Fields), tt.want) {
				t.Errorf("got %d %q, want %d %q", s.Status, s.Fields, tt.status, tt.want)
			}
		})
	}
}

func TestCheckHead(t *testing.T) {
	tests := []struct {
		name   string
		fields exchange.Fields
		length int64
		fault  neterr.Code
	}{
		{"none", exchange.FieldsOf("a", "b"), -1, 0},
		{"one", exchange.FieldsOf("content-length", "12"), 12, 0},
		{"twice the same", exchange.FieldsOf("content-length", "12", "content-length", "12"), 12, 0},
		{"no number", exchange.FieldsOf("content-length", "+1"), -1, 0},
		{"too large", exchange.FieldsOf("content-length", "1234567890123456789"), -1, 0},
		{"two lengths", exchange.FieldsOf("content-length", "1", "content-length", "2"), 0, neterr.ResponseHeadersMultipleContentLength},
		{"one location twice", exchange.FieldsOf("location", "/", "location", "/"), -1, 0},
		{"two locations", exchange.FieldsOf("location", "/a", "location", "/b"), 0, neterr.ResponseHeadersMultipleLocation},
	}
	for _, tt := range tests {
		if length, fault := message.CheckHead(tt.fields); length != tt.length || fault != tt.fault {
			t.Errorf("%s: got %d, %v; want %d, %v", tt.name, length, fault, tt.length, tt.fault)
		}
	}
}
