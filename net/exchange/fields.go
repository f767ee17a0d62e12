package exchange

import "iter"

// A Field is one header field, its name in the case that goes over the wire.
type Field struct {
	Name, Value string
}

// Fields is an ordered list of header fields. Names compare without regard to
// case. The list is short; looking a name up is a walk.
type Fields []Field

// FieldsOf returns the fields made of names and values in turn:
//
//	exchange.FieldsOf("Accept", "*/*", "DNT", "1")
func FieldsOf(namesAndValues ...string) Fields {
	f := make(Fields, 0, (len(namesAndValues)+1)/2)
	for i, s := range namesAndValues {
		if i%2 == 0 {
			f = append(f, Field{Name: s})
		} else {
			f[len(f)-1].Value = s
		}
	}
	return f
}

// Get returns the first value of name, or "".
func (f Fields) Get(name string) string {
	v, _ := f.Lookup(name)
	return v
}

// Lookup returns the first value of name and whether there is one.
func (f Fields) Lookup(name string) (string, bool) {
	for i := range f {
		if EqualName(f[i].Name, name) {
			return f[i].Value, true
		}
	}
	return "", false
}

// Has reports whether there is a field of that name.
func (f Fields) Has(name string) bool {
	_, ok := f.Lookup(name)
	return ok
}

// Values yields every value of name in order.
func (f Fields) Values(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range f {
			if EqualName(f[i].Name, name) && !yield(f[i].Value) {
				return
			}
		}
	}
}

// All yields every field in order.
func (f Fields) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := range f {
			if !yield(f[i].Name, f[i].Value) {
				return
			}
		}
	}
}

// Add appends a field.
func (f *Fields) Add(name, value string) { *f = append(*f, Field{name, value}) }

// Set replaces the first field of that name, in its place, and removes the others;
// without one it appends. It keeps the old name's case.
func (f *Fields) Set(name, value string) {
	s := *f
	for i := range s {
		if EqualName(s[i].Name, name) {
			s[i].Value = value
			*f = append(s[:i+1], without(s[i+1:], name)...)
			return
		}
	}
	f.Add(name, value)
}

// Del removes every field of that name, in place.
func (f *Fields) Del(name string) { *f = without(*f, name) }

func without(f Fields, name string) Fields {
	kept := f[:0]
	for i := range f {
		if !EqualName(f[i].Name, name) {
			kept = append(kept, f[i])
		}
	}
	return kept
}

// Clone returns a copy that shares nothing but the strings.
func (f Fields) Clone() Fields {
	if f == nil {
		return nil
	}
	return append(make(Fields, 0, len(f)+4), f...)
}

// EqualName compares two field names without regard to ASCII case.
func EqualName(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if 'A' <= x && x <= 'Z' {
			x += 'a' - 'A'
		}
		if 'A' <= y && y <= 'Z' {
			y += 'a' - 'A'
		}
		if x != y {
			return false
		}
	}
	return true
}
