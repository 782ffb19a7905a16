package flowtest

// plan decides, from a seed, which effect comes next and how it fares. Every decision
// depends on the seed and the effect alone, so that leaving one fault out changes as
// little as possible of the rest.
type plan struct {
	seed uint64
	// order is how the next effect is chosen; salt makes another order of the same kind.
	order ordering
	salt  uint64
	// rate is how many of 1,024 effects get a fault.
	rate uint64
	// kinds are the faults that this schedule may have.
	kinds Fault
	// most bounds the faults; until is the step after which there are none.
	most, until int
	// without names faults that are left out.
	without map[string]bool
	// crashAt is the step after which the process crashes; crashFirst that it does
	// before its first effect.
	crashAt    int
	crashFirst bool
}

type ordering uint8

const (
	// arrival takes effects as they come.
	arrival ordering = iota
	// byEffect takes them in any order.
	byEffect
	// byName prefers some connectors and goroutines to others.
	byName
)

// newPlan makes the plan of a seed. Seed 0 has no faults. Others have some kinds of
// faults and not others, more or fewer of them: so even rare combinations have a schedule
// in which nothing else disturbs them.
func newPlan(seed uint64, allowed Fault) plan {
	p := plan{seed: seed, without: make(map[string]bool)}
	if seed == 0 {
		return p
	}
	p.order = [...]ordering{byEffect, byEffect, byName, arrival}[mix(seed, 1)%4]
	p.rate = [...]uint64{16, 48, 128, 256}[mix(seed, 2)%4]
	p.kinds = Fault(mix(seed, 3)|mix(seed, 4)) & allowed
	p.most = 1 + int(mix(seed, 5)%24)
	p.until = 50 + int(mix(seed, 6)%500)

	return p
}

// fate decides about one effect. step counts effects, faults those that had one.
func (p *plan) fate(e *effect, step, faults int) fate {
	if p.crashAt > 0 {
		return p.crashes(step)
	}
	x := p.draw(e, 7)
	kinds := p.kinds & e.allow
	if step > p.until || faults >= p.most || x%1024 >= p.rate || kinds == 0 || p.without[e.key()] {
		return works
	}
	x >>= 10
	n := x % uint64(onesCount(kinds))
	for kind := Fault(1); ; kind <<= 1 {
		if kinds&kind == 0 {
			continue
		}
		if n == 0 {
			return fate{fault: kind, done: kind&(Failing|Refused) == 0 && x>>20&1 == 1}
		}
		n--
	}
}

// crashes crashes at one step alone.
func (p *plan) crashes(step int) fate {
	if step != p.crashAt {
		return works
	}

	return fate{fault: Crashing, done: !p.crashFirst}
}

// over reports whether no further fault will come.
func (p *plan) over(step, faults int) bool {
	if p.crashAt > 0 {
		return step > p.crashAt
	}

	return p.rate == 0 || step > p.until || faults >= p.most
}

// priority orders the effects that could be next.
func (p *plan) priority(e *effect) uint64 {
	switch p.order {
	case byEffect:
		return p.draw(e, 8+p.salt<<16)
	case byName:
		return mix(p.seed+p.salt, hash(e.name))
	case arrival:
		return 0
	default:
		return 0
	}
}

// draw returns a random number that belongs to the effect.
func (p *plan) draw(e *effect, salt uint64) uint64 {
	return mix(p.seed, hash(e.name)+uint64(e.life.number)<<56+uint64(e.nth)<<32+salt)
}

// mix is a good hash of two numbers (splitmix64).
func mix(a, b uint64) uint64 {
	x := a*0x9e3779b97f4a7c15 + b
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	x += a
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9

	return x ^ x>>31
}

// hash is FNV-1a.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}

	return h
}

func onesCount(f Fault) int {
	n := 0
	for ; f != 0; f &= f - 1 {
		n++
	}

	return n
}
