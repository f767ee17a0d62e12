package hsts

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// A Preload is a list of hosts that require TLS before they are first asked. It does
// not change.
type Preload struct {
	hosts map[string]bool // whether subdomains are included
}

// ReadPreload reads a list in the format of Chromium's transport_security_state_static:
// JSON whose "entries" have a "name", a "mode" of which "force-https" counts, and
// "include_subdomains"; lines that begin with // are comments. Pins are not read.
func ReadPreload(r io.Reader) (*Preload, error) {
	var list struct {
		Entries []struct {
			Name              string `json:"name"`
			Mode              string `json:"mode"`
			IncludeSubDomains bool   `json:"include_subdomains"`
		} `json:"entries"`
	}
	if err := json.NewDecoder(&uncommented{r: bufio.NewReader(r)}).Decode(&list); err != nil {
		return nil, fmt.Errorf("hsts: preload list: %w", err)
	}
	p := &Preload{hosts: make(map[string]bool, len(list.Entries))}
	for _, e := range list.Entries {
		if e.Mode != "force-https" {
			continue
		}
		host, ok := hostName(e.Name)
		if !ok {
			return nil, fmt.Errorf("hsts: preload list: %q is not a host name", e.Name)
		}
		p.hosts[host] = e.IncludeSubDomains
	}
	return p, nil
}

// Len returns how many hosts are listed.
func (p *Preload) Len() int { return len(p.hosts) }

func (p *Preload) find(name string) (subDomains, known bool) {
	subDomains, known = p.hosts[name]
	return subDomains, known
}

// uncommented reads r without the lines that are comments.
type uncommented struct {
	r    *bufio.Reader
	line []byte
}

func (u *uncommented) Read(b []byte) (int, error) {
	for len(u.line) == 0 {
		line, err := u.r.ReadBytes('\n')
		if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("//")) {
			u.line = line
		}
		if err != nil && len(u.line) == 0 {
			return 0, err
		}
	}
	n := copy(b, u.line)
	u.line = u.line[n:]
	return n, nil
}
