package exchange

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/textproto"
	"strconv"
	"testing"
)

// TestCanonical: what is known by heart is what textproto says, and costs nothing.
func TestCanonical(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "canonical.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	known := []string{"X-Other", "x-other", "Date", "", "not a name"}
	ast.Inspect(file, func(n ast.Node) bool {
		if c, ok := n.(*ast.CaseClause); ok {
			name, err := strconv.Unquote(c.List[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			known = append(known, name)
		}
		return true
	})
	if len(known) < 40 {
		t.Fatalf("found %d names", len(known))
	}
	for _, name := range known {
		if got, want := canonical(name), textproto.CanonicalMIMEHeaderKey(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
	for _, name := range known[5:] {
		if n := testing.AllocsPerRun(1, func() { canonical(name) }); n != 0 {
			t.Errorf("%q: got %v allocations, want 0", name, n)
		}
	}
}
