package sysconf

import "strings"

// CheckNSSwitch says why a program that looks into the hosts file and then asks DNS
// would not find what the system finds by the text of an nsswitch.conf (nsswitch.conf(5)),
// or "" if it would. The rules are Chromium's:
//
//   - Only the first "hosts:" counts, up to "dns": what DNS does not know, the system's
//     resolver is asked. Without one it is "files dns".
//   - "files" comes once, before "dns", and leads on to it unless it knows the name.
//   - "mdns_minimal" and its kin may stand before "dns" if they let pass what they do
//     not serve, "myhostname" if it lets pass all that it does not know.
//   - Everything else, such as "mdns", "resolve", "nis" or "ldap", may know names that
//     DNS does not.
func CheckNSSwitch(text []byte) (obstacle string) {
	rest, found := hostsEntry(string(text))
	if !found {
		return ""
	}
	files := false
	for rest != "" && rest[0] != '#' {
		service, actions, behind := nextService(rest)
		rest = behind
		var must behaviour
		switch service {
		case "":
			return "nsswitch: actions of no service"
		case "files":
			if files {
				return "nsswitch: files twice"
			}
			files = true
			must = behaviour{success: doReturn, notFound: doContinue, unavailable: doContinue, tryAgain: doContinue}
		case "dns":
			if !files {
				return "nsswitch: dns without files"
			}
			must = behaviour{success: doReturn}
		case "mdns_minimal", "mdns4_minimal", "mdns6_minimal":
			must = behaviour{unavailable: doContinue}
		case "myhostname":
			must = behaviour{notFound: doContinue, unavailable: doContinue, tryAgain: doContinue}
		default:
			return "nsswitch: " + abbreviate(service)
		}
		if !allows(actions, must) {
			return "nsswitch: " + service + " [" + abbreviate(strings.Join(actions, " ")) + "]"
		}
		if service == "dns" {
			return ""
		}
	}
	return "nsswitch: no dns"
}

const spaces = " \t\n\v\f\r"

// hostsEntry returns what stands behind the first "hosts:", if anything does.
func hostsEntry(text string) (entry string, found bool) {
	const key = "hosts:"
	for line := range strings.Lines(text) {
		line = strings.Trim(line, spaces)
		if len(line) >= len(key) && lower(line[:len(key)]) == key {
			entry = strings.Trim(line[len(key):], spaces)
			return entry, entry != ""
		}
	}
	return "", false
}

// nextService cuts a service, in lower case, and the actions behind it off an entry
// that is not empty. The service is empty if actions come first.
func nextService(entry string) (service string, actions []string, rest string) {
	if entry[0] != '[' {
		end := strings.IndexAny(entry, spaces)
		if end < 0 {
			return lower(entry), nil, ""
		}
		service, entry = lower(entry[:end]), strings.TrimLeft(entry[end:], spaces)
	}
	for strings.HasPrefix(entry, "[") {
		end := strings.IndexByte(entry, ']')
		if end < 0 {
			end = len(entry)
		}
		block := strings.TrimLeft(entry[:end], "["+spaces)
		actions = append(actions, strings.FieldsFunc(block, func(r rune) bool { return strings.ContainsRune(spaces, r) })...)
		entry = strings.TrimLeft(entry[end:], "]"+spaces)
	}
	return service, actions, entry
}

// What a service may answer, and what happens then.
type (
	action    uint8
	behaviour struct{ success, notFound, unavailable, tryAgain action } // zero: whatever
)

const (
	doReturn action = iota + 1
	doContinue
	doMerge
)

// of returns where b keeps the action for a status; nil if there is no such status.
func (b *behaviour) of(status string) *action {
	switch lower(status) {
	case "success":
		return &b.success
	case "notfound":
		return &b.notFound
	case "unavail":
		return &b.unavailable
	case "tryagain":
		return &b.tryAgain
	}
	return nil
}

func (b *behaviour) all() [4]*action {
	return [4]*action{&b.success, &b.notFound, &b.unavailable, &b.tryAgain}
}

// allows reports whether actions make a service do what it must.
func allows(actions []string, must behaviour) bool {
	var is behaviour
	for _, one := range actions {
		if !is.set(one) {
			return false
		}
	}
	defaults := behaviour{doReturn, doContinue, doContinue, doContinue}
	for i, wanted := range must.all() {
		got := *is.all()[i]
		if got == 0 {
			got = *defaults.all()[i]
		}
		if *wanted != 0 && got != *wanted {
			return false
		}
	}
	return true
}

// set adds one action, as NOTFOUND=return or !UNAVAIL=return. It is false if that
// cannot be understood, or contradicts another one.
func (b *behaviour) set(one string) bool {
	status, word, _ := strings.Cut(one, "=")
	status, negated := strings.CutPrefix(status, "!")
	named := b.of(status)
	if named == nil {
		return false
	}
	var do action
	switch lower(word) {
	case "return":
		do = doReturn
	case "continue":
		do = doContinue
	case "merge":
		do = doMerge
	default:
		return false
	}
	for _, a := range b.all() {
		if (a == named) == negated {
			continue
		}
		if *a != 0 && *a != do {
			return false
		}
		*a = do
	}
	return true
}

// abbreviate keeps a reason readable, whatever the file has in it.
func abbreviate(s string) string {
	const most = 64
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s[:min(len(s), most+1)])
	if len(s) > most {
		s = s[:most] + "..."
	}
	return s
}
