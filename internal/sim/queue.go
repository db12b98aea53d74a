package sim

import "time"

// event is something that will happen to somebody.
type event struct {
	at   time.Duration
	seq  uint64 // breaks ties: of the same instant, what was planned first comes first
	kind kind
	arg  uint64
	who  actor
}

// actor is somebody to whom things happen.
type actor interface{ happen(w *world, ev event) }

// queue holds what will happen, as a heap of four branches a node: ordered by
// time, then by the order of planning.
type queue struct {
	heap []event
	seq  uint64
}

func (e *event) before(o *event) bool {
	return e.at < o.at || e.at == o.at && e.seq < o.seq
}

func (q *queue) push(ev event) {
	q.seq++
	ev.seq = q.seq
	q.heap = append(q.heap, ev)
	i := len(q.heap) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !ev.before(&q.heap[up]) {
			break
		}
		q.heap[i] = q.heap[up]
		i = up
	}
	q.heap[i] = ev
}

func (q *queue) pop() (event, bool) {
	n := len(q.heap) - 1
	if n < 0 {
		return event{}, false
	}
	first, last := q.heap[0], q.heap[n]
	q.heap[n] = event{}
	q.heap = q.heap[:n]
	if n > 0 {
		q.sink(last)
	}
	return first, true
}

// sink puts an event in the place of the first one and lets it sink.
func (q *queue) sink(ev event) {
	h := q.heap
	i := 0
	for {
		child := 4*i + 1
		if child >= len(h) {
			break
		}
		least := child
		for j := child + 1; j < min(child+4, len(h)); j++ {
			if h[j].before(&h[least]) {
				least = j
			}
		}
		if !h[least].before(&ev) {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = ev
}
