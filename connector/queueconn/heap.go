package queueconn

// heap is a binary heap of entries, the least first.
type heap struct {
	items []*entry
	less  func(a, b *entry) bool
}

func (h *heap) len() int { return len(h.items) }

func (h *heap) push(e *entry) {
	h.items = append(h.items, e)
	for i := len(h.items) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h.less(h.items[i], h.items[parent]) {
			return
		}
		h.items[i], h.items[parent] = h.items[parent], h.items[i]
		i = parent
	}
}

// pop removes the least entry; there must be one.
func (h *heap) pop() *entry {
	least, last := h.items[0], len(h.items)-1
	h.items[0], h.items[last] = h.items[last], nil
	h.items = h.items[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			return least
		}
		if child+1 < last && h.less(h.items[child+1], h.items[child]) {
			child++
		}
		if !h.less(h.items[child], h.items[i]) {
			return least
		}
		h.items[i], h.items[child] = h.items[child], h.items[i]
		i = child
	}
}
