package httpconn

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/transform"
)

// setBound puts the default in place of zero and refuses a negative bound.
func setBound[N ~int | ~int64](name string, bound *N, standard N) error {
	if *bound < 0 {
		return fmt.Errorf("%s is %v: give 0 for the default of %v, or more", name, *bound, standard)
	}
	if *bound == 0 {
		*bound = standard
	}

	return nil
}

// jsonCodec returns the codec of bodies up to a bound, which is not negative.
func jsonCodec[T any](most int) (connector.Codec[T], error) {
	codec, err := transform.NewJSON[T](transform.JSONConfig{MaxBytes: most})
	if err != nil {
		return nil, fmt.Errorf("json: %w", err)
	}

	return codec, nil
}

// checkHeader refuses what net/http would drop silently or fail on at the first use.
func checkHeader(field string, header http.Header) error {
	errs := []error{checkValues(field, header)}
	for name := range header {
		switch http.CanonicalHeaderKey(name) {
		case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
			errs = append(errs, fmt.Errorf("%s %q has no effect: net/http sets it", field, name))
		default:
			errs = append(errs, checkName(field, name))
		}
	}

	return errors.Join(errs...)
}

// checkName refuses a header name that is not a token of RFC 9110.
func checkName(field, name string) error {
	const allowed = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	if name == "" || strings.Trim(name, allowed) != "" {
		return fmt.Errorf("%s %q is not a header name", field, name)
	}

	return nil
}

// checkValues refuses values that would end their line, or that net/http would fail on
// once the request is under way.
func checkValues(field string, header http.Header) error {
	control := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
	var errs []error
	for name, values := range header {
		if slices.ContainsFunc(values, func(v string) bool { return strings.ContainsFunc(v, control) }) {
			errs = append(errs, fmt.Errorf("%s %q has a value with a control character", field, name))
		}
	}

	return errors.Join(errs...)
}
