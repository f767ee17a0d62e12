package cookiejar_test

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/net/origin"
)

func Example() {
	jar := cookiejar.New(cookiejar.Config{})
	u, _ := url.Parse("https://www.example.com/shop/")
	r := &cookiejar.Request{URL: u}

	fmt.Println(jar.Receive(r, "id=42; Domain=example.com; Path=/; Secure; HttpOnly"))
	fmt.Println(jar.Receive(r, "basket=3"))
	err := jar.Receive(r, "id=1; Domain=com")
	fmt.Println(err, errors.Is(err, cookiejar.ReasonInvalidDomain))
	fmt.Println(jar.Header(r))

	for c := range jar.All(cookiejar.Filter{Domain: "example.com", HTTPOnly: new(true)}) {
		fmt.Println(c.Name, c.Domain, c.Path)
	}
	// Output:
	// <nil>
	// <nil>
	// cookie refused: invalid domain true
	// basket=3; id=42
	// id example.com /
}

func ExampleJar_Changed() {
	jar := cookiejar.New(cookiejar.Config{})
	stop := jar.Changed(func(c cookiejar.Change) {
		fmt.Println(c.Cookie.Name, c.Cookie.Value, c.Cause, c.Removed())
	})
	defer stop()
	_ = jar.Set(cookiejar.Details{URL: "https://example.com/", Name: "theme", Value: "dark"})
	_ = jar.Set(cookiejar.Details{URL: "https://example.com/", Name: "theme", Value: "light"})
	// Output:
	// theme dark inserted false
	// theme dark overwrite true
	// theme light inserted false
}

func ExampleBlockThirdParty() {
	jar := cookiejar.New(cookiejar.Config{Policy: cookiejar.BlockThirdParty})
	u, _ := url.Parse("https://ads.example/pixel")
	framed := &cookiejar.Request{URL: u, SiteForCookies: origin.Site{Scheme: "https", Domain: "news.example"}}
	fmt.Println(jar.Receive(framed, "track=1; Secure; SameSite=None"))
	// Output: cookie refused: blocked by policy
}
