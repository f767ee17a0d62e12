package transport

import (
	"errors"
	"net/http"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// maxRetries bounds how often one request is sent again (Chromium:
// kMaxRetryAttempts of HttpNetworkTransaction).
const maxRetries = 50

// maxRefusals bounds how often a request is sent again because an HTTP/2 or HTTP/3 server
// refused its stream, or QUIC came to nothing (Chromium: kMaxRetryAttempts).
const maxRefusals = 2

// mayRetry decides whether a request may be sent again after an attempt failed with
// err. cause is why the attempt failed, or what to tell the caller instead.
func mayRetry(req *exchange.Request, err error, reused bool, retries int) (again bool, cause error) {
	var a *exchange.AttemptError
	if !errors.As(err, &a) {
		return false, err // no connection: nothing died under the request
	}
	if limit := refused(neterr.CodeOf(a.Err)); limit > 0 {
		// Whatever the method is: the server says that it did not act on it.
		return retries < limit && req.IsReplayable(), a.Err
	}
	switch code := neterr.CodeOf(a.Err); {
	case a.Received:
		return false, a.Err
	case code == neterr.QUICProtocolError && retries < maxRefusals: // TCP may do better
	case !reused, !diedIdle(code):
		return false, a.Err
	}
	switch {
	case a.Sent && !req.IsIdempotent() && req.LoadFlags&exchange.RetryAnyMethod == 0:
		return false, a.Err // the server may have acted on it
	case !req.IsReplayable():
		return false, a.Err
	case retries >= maxRetries:
		return false, &neterr.Error{Code: neterr.TooManyRetries, Op: "send", Addr: req.URL.Host, Err: a.Err}
	}
	return true, a.Err
}

// hasBegun reports whether err is of an exchange, for which there was a connection.
func hasBegun(err error) bool {
	var a *exchange.AttemptError
	return errors.As(err, &a)
}

// refused returns how often a request may be sent again that ended with c, if c says
// that the server did not act on it; 0 if it does not say that.
func refused(c neterr.Code) int {
	switch c {
	case neterr.HTTP2ServerRefusedStream, neterr.QUICHandshakeFailed, neterr.QUICGoawayRequestCanBeRetried:
		return maxRefusals
	case neterr.HTTP11Required:
		return 1 // the next attempt is over HTTP/1.1
	}
	return 0
}

// diedIdle reports whether c is what a request meets on a connection that had ended
// before it (Chromium: HttpNetworkTransaction::HandleIOError).
func diedIdle(c neterr.Code) bool {
	switch c {
	case neterr.ConnectionReset, neterr.ConnectionClosed, neterr.ConnectionAborted,
		neterr.SocketNotConnected, neterr.EmptyResponse, neterr.HTTP2PingFailed:
		return true
	}
	return false
}

// timedOutIdle reports whether resp is no answer to req, but the server's word that
// it had given up an idle connection before req came (RFC 9110 section 15.5.9). Net/h1
// does not use such a connection again, so each one costs one attempt.
func timedOutIdle(req *exchange.Request, resp *exchange.Response, reused bool, retries int) bool {
	return resp.Status == http.StatusRequestTimeout && reused && req.IsReplayable() && retries < maxRetries
}

// misdirected reports whether resp says that the connection was the wrong one for req,
// and another one may be the right one (RFC 9110 section 15.5.20). As in Chromium one
// answer is enough, whatever the connection and the method.
func misdirected(req *exchange.Request, resp *exchange.Response, before bool) bool {
	return resp.Status == http.StatusMisdirectedRequest && !before && req.IsReplayable()
}

// tooEarly reports whether resp says that req came before the handshake was complete,
// and may come again after it (RFC 8470 section 5.2).
func tooEarly(req *exchange.Request, resp *exchange.Response) bool {
	return resp.Status == http.StatusTooEarly && resp.Proto == "HTTP/3.0" && !req.AfterHandshake && req.IsReplayable()
}

// rewind makes the body ready for another attempt. The old one was closed by the
// connection that failed.
func rewind(req *exchange.Request) error {
	if req.Body == nil {
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return &neterr.Error{Code: neterr.UploadStreamRewindNotSupported, Op: "get the body again", Err: err}
	}
	req.Body = body
	return nil
}
