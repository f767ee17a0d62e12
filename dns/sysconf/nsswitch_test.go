package sysconf_test

import (
	"testing"

	"github.com/kaon-net/kaon/dns/sysconf"
)

func TestCheckNSSwitch(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", "", ""},
		{"no hosts", "passwd: files\nnetworks: ldap\n", ""},
		{"empty hosts", "hosts:\npasswd: ldap", ""},
		{"only blanks", "hosts: \t \r\n", ""},
		{"usual", "passwd: files systemd\nhosts: files dns\n", ""},
		{"case", "\t HOSTS:\tFiles\tDNS", ""},
		{"no blank", "hosts:files dns", ""},
		{"the first counts", "hosts: files dns\nhosts: ldap", ""},
		{"comment line", "# hosts: ldap\nhosts: files dns", ""},
		{"comment behind", "hosts: files dns # ldap", ""},
		{"comment before dns", "hosts: files # dns", "nsswitch: no dns"},
		{"comment alone", "hosts: # files dns", "nsswitch: no dns"},
		{"no dns", "hosts: files", "nsswitch: no dns"},
		{"no files", "hosts: dns", "nsswitch: dns without files"},
		{"files too late", "hosts: dns files", "nsswitch: dns without files"},
		{"files twice", "hosts: files files dns", "nsswitch: files twice"},
		{"behind dns nothing counts", "hosts: files dns resolve ldap [x=y]", ""},

		{"Debian with avahi", "hosts: files mdns4_minimal [NOTFOUND=return] dns", ""},
		{"systemd-resolved", "hosts: files myhostname resolve [!UNAVAIL=return] dns", "nsswitch: resolve"},
		{"mymachines", "hosts: mymachines files dns", "nsswitch: mymachines"},
		{"mdns", "hosts: files mdns4 dns", "nsswitch: mdns4"},
		{"nis", "hosts: files nis dns", "nsswitch: nis"},
		{"unknown, printable", "hosts: f\x00\xffo\u00e9 dns", "nsswitch: f??o?"},
		{"glued actions", "hosts: files[NOTFOUND=return] dns", "nsswitch: files[notfound=return]"},
		{"actions first", "hosts: [NOTFOUND=return] files dns", "nsswitch: actions of no service"},

		{"what happens anyway", "hosts: files [SUCCESS=return NOTFOUND=continue] [UNAVAIL=continue TRYAGAIN=continue] dns", ""},
		{"files ends it", "hosts: files [NOTFOUND=return] dns", "nsswitch: files [NOTFOUND=return]"},
		{"files goes on", "hosts: files [SUCCESS=continue] dns", "nsswitch: files [SUCCESS=continue]"},
		{"files merges", "hosts: files [success=merge] dns", "nsswitch: files [success=merge]"},
		{"all but one", "hosts: files [!SUCCESS=continue] dns", ""},
		{"all but another", "hosts: files [!NOTFOUND=return] dns", "nsswitch: files [!NOTFOUND=return]"},
		{"contradiction", "hosts: files [NOTFOUND=continue NOTFOUND=return] dns", "nsswitch: files [NOTFOUND=continue NOTFOUND=return]"},
		{"hidden contradiction", "hosts: files [!SUCCESS=continue TRYAGAIN=return] dns", "nsswitch: files [!SUCCESS=continue TRYAGAIN=return]"},
		{"unknown status", "hosts: files [MAYBE=continue] dns", "nsswitch: files [MAYBE=continue]"},
		{"unknown action", "hosts: files [NOTFOUND=retry] dns", "nsswitch: files [NOTFOUND=retry]"},
		{"no action", "hosts: files [NOTFOUND] dns", "nsswitch: files [NOTFOUND]"},
		{"two actions", "hosts: files [NOTFOUND=continue=return] dns", "nsswitch: files [NOTFOUND=continue=return]"},
		{"lone negation", "hosts: files [!=continue] dns", "nsswitch: files [!=continue]"},
		{"brackets too many", "hosts: files [ [[NOTFOUND=continue]] ] dns", ""},
		{"bracket inside", "hosts: files [SUCCESS=return [NOTFOUND=continue] dns", "nsswitch: files [SUCCESS=return [NOTFOUND=continue]"},
		{"no closing bracket", "hosts: files [NOTFOUND=continue dns", "nsswitch: files [NOTFOUND=continue dns]"},
		{"empty brackets", "hosts: files [] dns", ""},
		{"dns must return", "hosts: files dns [SUCCESS=continue]", "nsswitch: dns [SUCCESS=continue]"},
		{"dns may stop", "hosts: files dns [!SUCCESS=return] ldap", ""},
		{"minimal must let pass", "hosts: files mdns_minimal [UNAVAIL=return] dns", "nsswitch: mdns_minimal [UNAVAIL=return]"},
		{"myhostname must let pass", "hosts: files myhostname [NOTFOUND=return] dns", "nsswitch: myhostname [NOTFOUND=return]"},
		{"myhostname may go on", "hosts: files myhostname [SUCCESS=continue] dns", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := sysconf.CheckNSSwitch([]byte(tt.text)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
