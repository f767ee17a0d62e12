package h2

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// TestEncodeNames: what is remembered of names, by their place or not, never stands for
// another name.
func TestEncodeNames(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 113))
	var e encoder
	e.init()
	var got []string
	dec := hpack.NewDecoder(defaultTable, func(f hpack.HeaderField) { got = append(got, f.Name+"="+f.Value) })
	list := func() (fields exchange.Fields) {
		for range rnd.IntN(2 * maxRecent) {
			name := fmt.Sprint("Name-", rnd.IntN(8))
			switch rnd.IntN(4) {
			case 0:
				name = strings.ToLower(name)
			case 1:
				name = strings.ToUpper(name)
			}
			fields.Add(name, fmt.Sprint(rnd.IntN(4)))
		}
		return fields
	}
	fields := list()
	for range 500 {
		switch rnd.IntN(3) {
		case 0:
			fields = list()
		case 1:
			if len(fields) > 0 {
				fields[rnd.IntN(len(fields))].Name = "name-other"
			}
		}
		if err := e.check(fields); err != nil {
			t.Fatal(err)
		}
		e.begin()
		e.fields(fields)
		got = got[:0]
		if _, err := dec.Write(e.buf); err != nil {
			t.Fatal(err)
		}
		var want []string
		for name, value := range fields.All() {
			want = append(want, strings.ToLower(name)+"="+value)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

// TestEncodeCheck: a bad field is found behind good ones of its name and place.
func TestEncodeCheck(t *testing.T) {
	tests := []struct {
		name   string
		fields exchange.Fields
		want   error
	}{
		{"good", exchange.FieldsOf("A", "b", "C", "d"), nil},
		{"the same again", exchange.FieldsOf("A", "b", "C", "d"), nil},
		{"value", exchange.FieldsOf("A", "b\n", "C", "d"), neterr.InvalidArgument},
		{"the same value again", exchange.FieldsOf("A", "b\n", "C", "d"), neterr.InvalidArgument},
		{"name", exchange.FieldsOf("A", "b", "C ", "d"), neterr.InvalidArgument},
		{"the same name again", exchange.FieldsOf("A", "b", "C ", "d"), neterr.InvalidArgument},
		{"name that is ASCII in lower case", exchange.FieldsOf("\u212a", "b"), neterr.InvalidArgument},
		{"no name", exchange.FieldsOf("", "b"), neterr.InvalidArgument},
		{"pseudo-field, which is never sent", exchange.FieldsOf(":path", "\n", ": ", "\n"), nil},
		{"field that is never sent", exchange.FieldsOf("Connection", "close\n"), neterr.InvalidArgument},
	}
	var e encoder
	e.init()
	for _, tt := range tests {
		err := e.check(tt.fields)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
		if err == nil {
			e.begin()
			e.fields(tt.fields)
		}
	}
	if e.buf = e.buf[:0]; e.added == 0 {
		t.Error("nothing in the table")
	}
	e.fields(exchange.FieldsOf(":path", "/", ": ", "x"))
	if len(e.buf) > 0 {
		t.Errorf("pseudo-fields of the caller's were encoded: % x", e.buf)
	}
}
