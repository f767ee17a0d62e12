package dnswire_test

import (
	"fmt"

	"github.com/kaon-net/kaon/dns/dnswire"
)

func Example() {
	q := dnswire.Question{Name: "example.test", Type: dnswire.A}
	msg, err := dnswire.AppendQuery(nil, q, dnswire.QueryOptions{ID: 7})
	if err != nil {
		fmt.Println(err)
		return
	}
	// A server's answer has the question in it, and here one record.
	reply := append(msg[:len(msg)-11], "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"...)
	reply[2], reply[7], reply[11] = 0x81, 1, 0

	answer, err := dnswire.Parse(reply, q, 7)
	fmt.Println(answer.Addrs, answer.TTL, err)
	// Output: [192.0.2.1] 1m0s <nil>
}
