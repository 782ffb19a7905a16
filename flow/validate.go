package flow

import (
	"context"
	"fmt"
	"reflect"
	"sync"

	"github.com/go-playground/validator/v10"

	"github.com/millrace-go/millrace/connector"
)

// Validate fails messages whose value is not valid, with a permanent error. Without
// checks it goes by the `validate` struct tags of T, as github.com/go-playground/validator
// reads them; with checks, by these alone, in their order up to the first that fails.
func (f Flow[T]) Validate[Same Flow[T]](checks ...func(T) error) Same {
	out := mapped("validate", f, validating(checks))
	out.n.validates(reflect.TypeFor[T](), len(checks))
	for i, check := range checks {
		out.n.require(check != nil, "check %d is nil", i+1)
	}

	return Same(out)
}

// validates shows the checks, or notes that the type has no tags to go by.
func (n *node) validates(t reflect.Type, checks int) {
	if checks > 0 {
		n.options = append(n.options, option("checks", checks))
	}
	if text := untagged(t, checks); text != "" {
		n.problem("%s", text)
	}
}

// untagged says what is missing where there are neither checks nor tags.
func untagged(t reflect.Type, checks int) string {
	bare := t
	for bare.Kind() == reflect.Pointer {
		bare = bare.Elem()
	}
	if checks > 0 || bare.Kind() == reflect.Struct && tagged(bare, 0) {
		return ""
	}

	return fmt.Sprintf("%v has no field with a validate tag: add tags, or pass a check to Validate", t)
}

// tagged reports whether a struct, or one inside it, has a validate tag.
func tagged(t reflect.Type, depth int) bool {
	const deepest = 8
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Tag.Get("validate") != "" {
			return true
		}
		inner := field.Type
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && depth < deepest && tagged(inner, depth+1) {
			return true
		}
	}

	return false
}

// structTags validates by struct tags. One instance caches the types it has seen.
var structTags = sync.OnceValue(func() *validator.Validate { //nolint:gochecknoglobals // a cache of types
	return validator.New(validator.WithRequiredStructEnabled())
})

func validating[T any](checks []func(T) error) func(context.Context, T) (T, error) {
	if len(checks) == 0 {
		return func(ctx context.Context, value T) (T, error) {
			if err := structTags().StructCtx(ctx, value); err != nil {
				return value, connector.Permanent(fmt.Errorf("validate: %w", err))
			}

			return value, nil
		}
	}

	return func(_ context.Context, value T) (T, error) {
		for _, check := range checks {
			if err := check(value); err != nil {
				return value, connector.Permanent(fmt.Errorf("validate: %w", err))
			}
		}

		return value, nil
	}
}
