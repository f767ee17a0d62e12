package cookiejar

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"strings"
	"time"

	"github.com/kaon-net/kaon/net/origin"
)

// A jsonCookie is Electron's Cookie, with what Electron hides in the words of Chrome's
// extensions and of cookies.set.
type jsonCookie struct {
	Name           string         `json:"name"`
	Value          string         `json:"value"`
	Domain         string         `json:"domain"` // with a leading dot unless hostOnly
	HostOnly       *bool          `json:"hostOnly,omitempty"`
	Path           string         `json:"path"`
	Secure         bool           `json:"secure"`
	HTTPOnly       bool           `json:"httpOnly"`
	Session        bool           `json:"session"`
	ExpirationDate *float64       `json:"expirationDate,omitempty"` // seconds since 1970
	SameSite       string         `json:"sameSite,omitempty"`
	Priority       string         `json:"priority,omitempty"`
	CreationDate   *float64       `json:"creationDate,omitempty"`
	LastAccessDate *float64       `json:"lastAccessDate,omitempty"`
	PartitionKey   *jsonPartition `json:"partitionKey,omitempty"`
	SourceScheme   string         `json:"sourceScheme,omitempty"`
	SourcePort     *int           `json:"sourcePort,omitempty"`
}

type jsonPartition struct {
	TopLevelSite         string `json:"topLevelSite"`
	HasCrossSiteAncestor bool   `json:"hasCrossSiteAncestor"`
}

// MarshalJSON writes c as Electron's Cookie object, with more fields: priority,
// creationDate, lastAccessDate, partitionKey, sourceScheme and sourcePort. Partitions
// with a nonce, which last no longer than their page, have no such form: they are an
// error.
func (c Cookie) MarshalJSON() ([]byte, error) {
	j := jsonCookie{
		Name: c.Name, Value: c.Value, Domain: c.Domain, HostOnly: &c.HostOnly, Path: c.Path,
		Secure: c.Secure, HTTPOnly: c.HTTPOnly, Session: c.IsSession(),
		ExpirationDate: seconds(c.Expires), SameSite: c.SameSite.String(), Priority: c.Priority.String(),
		CreationDate: seconds(c.Created), LastAccessDate: seconds(c.Accessed),
		SourceScheme: c.SourceScheme.String(), SourcePort: &c.SourcePort,
	}
	if !c.HostOnly {
		j.Domain = "." + c.Domain
	}
	if c.Partition.HasNonce() {
		return nil, errNonce
	}
	if !c.Partition.IsZero() {
		j.PartitionKey = &jsonPartition{c.Partition.Top().String(), c.Partition.Frame() == origin.Site{}}
	}
	return json.Marshal(j)
}

var errNonce = errors.New("a cookie of a partition with a nonce cannot be written")

// UnmarshalJSON reads what MarshalJSON writes. Name and value may be empty, domain may
// not; all else may be missing. Other fields, as add-ons write them, are not looked at.
func (c *Cookie) UnmarshalJSON(b []byte) error {
	var j jsonCookie
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	bare, dotted := strings.CutPrefix(j.Domain, ".")
	r := Cookie{
		Name: j.Name, Value: j.Value, Domain: strings.ToLower(bare), HostOnly: !dotted, Path: j.Path,
		Secure: j.Secure, HTTPOnly: j.HTTPOnly, SourceScheme: sourceOf(j.Secure), SourcePort: -1,
	}
	if j.HostOnly != nil {
		r.HostOnly = *j.HostOnly
	}
	if r.Path == "" {
		r.Path = "/"
	}
	if j.SourcePort != nil {
		r.SourcePort = *j.SourcePort
	}
	var err error
	if j.SameSite != "" {
		if r.SameSite, err = ParseSameSite(j.SameSite); err != nil {
			return err
		}
	}
	if r.Priority, err = wordOf(j.Priority, Medium, Low, Medium, High); err != nil {
		return fmt.Errorf("priority: %w", err)
	}
	if r.SourceScheme, err = wordOf(j.SourceScheme, r.SourceScheme, SourceUnset, SourceNonSecure, SourceSecure); err != nil {
		return fmt.Errorf("sourceScheme: %w", err)
	}
	for _, t := range []struct {
		from *float64
		to   *time.Time
		name string
	}{
		{j.ExpirationDate, &r.Expires, "expirationDate"},
		{j.CreationDate, &r.Created, "creationDate"},
		{j.LastAccessDate, &r.Accessed, "lastAccessDate"},
	} {
		if t.from == nil {
			continue
		}
		if !(*t.from >= minSeconds && *t.from <= maxSeconds) {
			return fmt.Errorf("%s is not in the years 1601 to 9999", t.name)
		}
		*t.to = time.UnixMicro(int64(math.Round(*t.from * 1e6))).UTC()
	}
	if j.Session {
		r.Expires = time.Time{}
	}
	if j.PartitionKey != nil {
		if r.Partition, err = j.PartitionKey.key(); err != nil {
			return err
		}
	}
	*c = r
	return nil
}

// wordOf finds the value that is called word; "" is the usual one.
func wordOf[T fmt.Stringer](word string, usual T, values ...T) (T, error) {
	if word == "" {
		return usual, nil
	}
	for _, v := range values {
		if v.String() == word {
			return v, nil
		}
	}
	return usual, fmt.Errorf("unknown word %.20q", word)
}

func (p *jsonPartition) key() (origin.Key, error) {
	u, err := url.Parse(p.TopLevelSite)
	if err != nil || origin.Of(u).IsOpaque() {
		return origin.Key{}, errors.New("partitionKey: topLevelSite is not a site, as https://example.com")
	}
	site := origin.Of(u).Site()
	return PartitionKey(origin.NewKey(site, site), p.HasCrossSiteAncestor), nil
}

func seconds(t time.Time) *float64 {
	if t.IsZero() {
		return nil
	}
	s := float64(t.UnixMicro()) / 1e6
	return &s
}

// WriteJSON writes cookies as an array of what MarshalJSON says, one a line. Cookies of
// partitions with a nonce are left out.
func WriteJSON(w io.Writer, cookies []Cookie) error {
	b := bufio.NewWriter(w)
	sep := "[\n"
	for i := range cookies {
		if cookies[i].Partition.HasNonce() {
			continue
		}
		text, err := json.Marshal(&cookies[i])
		if err != nil {
			return err
		}
		b.WriteString(sep)
		b.Write(text)
		sep = ",\n"
	}
	if sep == "[\n" {
		b.WriteString("[")
	}
	b.WriteString("\n]\n")
	return b.Flush()
}

// ReadJSON reads an array as WriteJSON writes it, for Jar.Put. What ReadNetscape says of
// errors and limits holds here too; the input may have 64 MiB.
func ReadJSON(r io.Reader) ([]Cookie, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxJSONInput+1))
	if err != nil {
		return nil, fmt.Errorf("cookies: %w", err)
	}
	if len(text) > maxJSONInput {
		return nil, fmt.Errorf("cookies: more than %d bytes", maxJSONInput)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	fail := func(err error) ([]Cookie, error) {
		line := 1 + bytes.Count(text[:min(d.InputOffset(), int64(len(text)))], []byte("\n"))
		return nil, fmt.Errorf("cookies: line %d: %w", line, err)
	}
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return fail(errNotArray)
	}
	var cookies []Cookie
	now := clockNow()
	for d.More() {
		var c Cookie
		if err := d.Decode(&c); err != nil {
			return fail(withoutText(err))
		}
		if err := importable(&c, now, len(cookies)); err != nil {
			return fail(err)
		}
		cookies = append(cookies, c)
	}
	if _, err := d.Token(); err != nil {
		return fail(errNotArray)
	}
	if _, err := d.Token(); err != io.EOF {
		return fail(errNotArray)
	}
	return cookies, nil
}

var errNotArray = errors.New("not one JSON array of cookies")

// withoutText is err without what it quotes of the input, which may be a secret.
func withoutText(err error) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &kind):
		return fmt.Errorf("%s is not of type %s", strings.TrimPrefix(kind.Field, "."), kind.Type)
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("malformed JSON")
	}
	return err
}
