package httpsource

import (
	"net/url"
	"strings"
	"testing"
)

func TestNextLink(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		`<a>; rel="next"`:                                  "a",
		`<a>;rel=next`:                                     "a",
		`<a>; REL = "Next"`:                                "a",
		`<a>; rel="prev", <b>; rel="next"`:                 "b",
		`<a,b>; rel="last next first"`:                     "a,b",
		`<a>; title="x; rel=\"next\", <c>", <b>; rel=next`: "b",
		`<a>; rel="prev"; rel="next"`:                      "",
		`<a>; rel="nextone"`:                               "",
		`<a>`:                                              "",
		`<a; rel=next`:                                     "",
		`a; rel=next`:                                      "",
		``:                                                 "",
		`,, <a>; rel=next`:                                 "a",
	} {
		if got := nextLink([]string{value}); got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
	if got := nextLink([]string{`<a>; rel=prev`, `<b>; rel=next`}); got != "b" {
		t.Errorf("in the second value: %q", got)
	}
}

// FuzzNextLink takes any header: the target stands in it, and stays within the origin.
func FuzzNextLink(f *testing.F) {
	for _, seed := range []string{`<a>; rel="next"`, `<//evil.example/>;rel=next`, `<a>; t="\`, `<http://x/`, `<>;rel=next,`} {
		f.Add(seed)
	}
	page := &url.URL{Scheme: "http", Host: "shop.example", Path: "/feed"}
	f.Fuzz(func(t *testing.T, value string) {
		link := nextLink([]string{value})
		if !strings.Contains(value, link) {
			t.Errorf("%q is not in %q", link, value)
		}
		target, ok := resolve(page, link)
		if !ok {
			return
		}
		parsed, err := url.Parse(target)
		if err != nil || parsed.Host != page.Host || parsed.Scheme != page.Scheme {
			t.Errorf("%q leads to %q, %v", value, target, err)
		}
	})
}
