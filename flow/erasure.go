package flow

import (
	"context"
	"reflect"
)

// loose is a push of some type. The value is a pointer to one of that type, so that passing
// it costs no allocation.
type loose func(ctx context.Context, it *item, value any) error

// erasure is what stages that treat all types alike know of one: they are written once, and
// not compiled for each type that a program uses.
type erasure struct {
	typ reflect.Type
	// loosen takes a push of the type, tighten makes one.
	loosen  func(push any) loose
	tighten func(loose) any
}

func erasureOf[T any]() erasure {
	return erasure{typ: reflect.TypeFor[T](), loosen: loosen[T], tighten: tighten[T]}
}

// name is the name of the type; that of a zero erasure is empty.
func (e erasure) name() string {
	if e.typ == nil {
		return ""
	}

	return e.typ.String()
}

func loosen[T any](in any) loose {
	next := in.(push[T]) //nolint:forcetypeassert // the compiler of blueprints made it

	return func(ctx context.Context, it *item, value any) error { return next(ctx, it, value.(*T)) } //nolint:forcetypeassert // see loose
}

func tighten[T any](next loose) any {
	return push[T](func(ctx context.Context, it *item, value *T) error { return next(ctx, it, value) })
}
