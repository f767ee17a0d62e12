package session

import "github.com/kaon-net/kaon/cookiejar"

// Cookies returns the session's cookies (Electron: ses.cookies), which requests send
// and responses set. Always the same Jar.
func (s *Session) Cookies() *cookiejar.Jar { return s.cookies }
