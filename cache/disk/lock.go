package disk

import "errors"

// errLocked is what Lock says if another one has the lock.
var errLocked = errors.New("another process has it open")
