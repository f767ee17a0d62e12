package exchange

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/textproto"
	"slices"
	"strconv"
	"testing"
)

// others are names that are not known by heart.
var others = []string{
	"X-Other", "x-other", "Date", "", "not a name", "ETag", "eTag", "X-a", "X--A", "-X", "X-", "X-1a", "1-A", "X_A",
	"X-\xc3\x9c", "aB", "AB", "A", "a", "A b", "Content-MD5", "X-A-", "--", "X.A", "X.a",
}

// TestCanonical: what is known by heart is what textproto says, and costs nothing.
func TestCanonical(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "canonical.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	known := slices.Clone(others)
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
	for _, name := range known[len(others):] {
		if n := testing.AllocsPerRun(1, func() { canonical(name) }); n != 0 {
			t.Errorf("%q: got %v allocations, want 0", name, n)
		}
	}
}
