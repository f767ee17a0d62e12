package pool

// A list is a doubly linked list whose nodes are fields of the things in it, so
// that nothing is allocated and anything can leave in constant time. The zero list
// is empty.
type list[T any] struct {
	first, last *node[T]
	n           int
}

// A node puts one thing into at most one list at a time.
type node[T any] struct {
	of         *T // the thing that has this node
	in         *list[T]
	prev, next *node[T]
}

// front returns the first thing, nil if there is none.
func (l *list[T]) front() *T { return l.first.thing() }

// back returns the last thing, nil if there is none.
func (l *list[T]) back() *T { return l.last.thing() }

// pushBack moves n from the list it may be in to the end of l.
func (l *list[T]) pushBack(n *node[T]) {
	n.remove()
	n.in, n.prev = l, l.last
	if l.last != nil {
		l.last.next = n
	} else {
		l.first = n
	}
	l.last = n
	l.n++
}

// pushFront moves n from the list it may be in to the beginning of l.
func (l *list[T]) pushFront(n *node[T]) {
	n.remove()
	n.in, n.next = l, l.first
	if l.first != nil {
		l.first.prev = n
	} else {
		l.last = n
	}
	l.first = n
	l.n++
}

// remove takes n out of the list it is in, if any.
func (n *node[T]) remove() {
	l := n.in
	if l == nil {
		return
	}
	if n.prev != nil {
		n.prev.next = n.next
	} else {
		l.first = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	} else {
		l.last = n.prev
	}
	n.in, n.prev, n.next = nil, nil, nil
	l.n--
}

// after returns the thing that follows n, nil if n is the last.
func (n *node[T]) after() *T { return n.next.thing() }

func (n *node[T]) thing() *T {
	if n == nil {
		return nil
	}
	return n.of
}
