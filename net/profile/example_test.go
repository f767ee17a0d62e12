package profile_test

import (
	"fmt"

	"github.com/kaon-net/kaon/net/profile"
)

func Example() {
	p := profile.Chromium156()
	fmt.Println(p.BrandList())
	fmt.Println(profile.AcceptLanguage(p.Languages))
	for _, s := range p.Headers.Navigate[2:6] {
		fmt.Println(s.Name, s.Trustworthy)
	}
	// Output:
	// "Not:A-Brand";v="8", "Chromium";v="156"
	// en-US,en;q=0.9
	// sec-ch-ua true
	// sec-ch-ua-mobile true
	// sec-ch-ua-platform true
	// Upgrade-Insecure-Requests false
}
