package netlog

import (
	"cmp"
	"runtime"
	"strings"

	"github.com/kaon-net/kaon/net/neterr"
)

// ClientInfo says which program made a file. It has no command line: there could be
// secrets in it.
type ClientInfo struct {
	Name     string // default "Kaon"
	Version  string
	Modifier string // more about the version, as "Electron 40.1.0"
}

// constants returns the dictionaries by which a viewer reads the numbers in a file.
func constants(o Options, offset int64) map[string]any {
	return map[string]any{
		"logFormatVersion": 1,
		"logCaptureMode":   o.Mode.String(),
		"logEventTypes":    indexed(eventNames[:]),
		"logSourceType":    indexed(sourceNames[:]),
		"logEventPhase": map[string]any{
			"PHASE_NONE": int(phaseNone), "PHASE_BEGIN": int(phaseBegin), "PHASE_END": int(phaseEnd),
		},
		"netError":          netErrors{},
		"loadFlag":          bits(strings.Fields(loadFlagNames)),
		"loadState":         indexed(strings.Fields(loadStateNames)),
		"certStatusFlag":    bits(strings.Fields(certStatusNames)),
		"certVerifierFlags": bits(strings.Fields("- VERIFY_DISABLE_NETWORK_FETCHES VERIFY_SXG_CT_REQUIREMENTS")),
		"certVerifyFlags": bits(strings.Fields(`- VERIFY_REV_CHECKING_ENABLED
			VERIFY_REV_CHECKING_REQUIRED_LOCAL_ANCHORS VERIFY_DISABLE_NETWORK_FETCHES VERIFY_SXG_CT_REQUIREMENTS`)),
		"addressFamily": indexed(strings.Fields("ADDRESS_FAMILY_UNSPECIFIED ADDRESS_FAMILY_IPV4 ADDRESS_FAMILY_IPV6")),
		"dnsQueryType": map[string]any{
			"UNSPECIFIED": 0, "A": 1, "AAAA": 2, "TXT": 3, "PTR": 4, "SRV": 5, "HTTPS": 7,
		},
		"secureDnsMode":  indexed(strings.Fields("Off Automatic Secure")),
		"timeTickOffset": offset,
		"clientInfo": map[string]any{
			"name": cmp.Or(o.Client.Name, "Kaon"), "version": o.Client.Version, "version_mod": o.Client.Modifier,
			"cl": "", "official": "unofficial", "command_line": "",
			"os_type": runtime.GOOS + " (" + runtime.GOARCH + ")",
		},
		"activeFieldTrialGroups": []string{},
	}
}

// Chromium's names, as the types at the end of this file take them.
const (
	loadFlagNames = `NORMAL VALIDATE_CACHE BYPASS_CACHE SKIP_CACHE_VALIDATION ONLY_FROM_CACHE DISABLE_CACHE
		DISABLE_CERT_NETWORK_FETCHES DO_NOT_SAVE_COOKIES BYPASS_PROXY MAIN_FRAME_DEPRECATED PREFETCH
		IGNORE_LIMITS DO_NOT_USE_EMBEDDED_IDENTITY DISABLE_CONNECTION_MIGRATION_TO_CELLULAR
		SUPPORT_ASYNC_REVALIDATION RESTRICTED_PREFETCH_FOR_MAIN_FRAME
		CAN_USE_RESTRICTED_PREFETCH_FOR_MAIN_FRAME CAN_USE_SHARED_DICTIONARY
		DISABLE_SHARED_DICTIONARY_AFTER_CROSS_ORIGIN_REDIRECT SHOULD_BYPASS_HSTS
		IS_MAIN_FRAME_ORIGIN_RECENTLY_ACCESSED`
	certStatusNames = `- COMMON_NAME_INVALID DATE_INVALID AUTHORITY_INVALID - NO_REVOCATION_MECHANISM
		UNABLE_TO_CHECK_REVOCATION REVOKED INVALID WEAK_SIGNATURE_ALGORITHM - NON_UNIQUE_NAME WEAK_KEY -
		PINNED_KEY_MISSING NAME_CONSTRAINT_VIOLATION VALIDITY_TOO_LONG IS_EV REV_CHECKING_ENABLED -
		SHA1_SIGNATURE_PRESENT - KNOWN_INTERCEPTION_DETECTED IS_QWAC - CERTIFICATE_TRANSPARENCY_REQUIRED -
		KNOWN_INTERCEPTION_BLOCKED - SELF_SIGNED_LOCAL_NETWORK`
	loadStateNames = `IDLE WAITING_FOR_STALLED_SOCKET_POOL WAITING_FOR_AVAILABLE_SOCKET WAITING_FOR_DELEGATE
		WAITING_FOR_CACHE OBSOLETE_WAITING_FOR_APPCACHE DOWNLOADING_PAC_FILE RESOLVING_PROXY_FOR_URL
		RESOLVING_HOST_IN_PAC_FILE ESTABLISHING_PROXY_TUNNEL RESOLVING_HOST CONNECTING SSL_HANDSHAKE
		SENDING_REQUEST WAITING_FOR_RESPONSE READING_RESPONSE`
)

// netErrors is the object of error names and codes.
type netErrors struct{}

func (netErrors) appendJSON(b []byte) []byte {
	start := len(b)
	for code, name := range neterr.All() {
		if code == neterr.OK {
			name = code.Error() // Chromium's key is literally "net::OK"
		}
		b = appendInt(appendKey(b, name), int64(code))
	}
	b[start] = '{'
	return append(b, '}')
}

// Lists of names that make an object of names and numbers. A dash is a number
// without a name.
type (
	indexed []string // the number is the place in the list
	bits    []string // the first name is for no bit, the next ones from the lowest bit up
)

func (names indexed) appendJSON(b []byte) []byte {
	return appendNumbers(b, names, func(i int) int64 { return int64(i) })
}

func (names bits) appendJSON(b []byte) []byte {
	return appendNumbers(b, names, func(i int) int64 { return 1 << i >> 1 })
}

func appendNumbers(b []byte, names []string, number func(i int) int64) []byte {
	start := len(b)
	for i, name := range names {
		if name != "-" {
			b = appendInt(appendKey(b, name), number(i))
		}
	}
	b[start] = '{'
	return append(b, '}')
}
