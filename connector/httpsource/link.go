package httpsource

import (
	"net/url"
	"strings"
)

// nextLink returns the target of the first link of relation next in the values of a Link
// header (RFC 8288), or an empty text. What is malformed ends its value.
func nextLink(values []string) string {
	for _, value := range values {
		for value != "" {
			var target, parameters string
			if target, parameters, value = cutLink(value); relates(parameters, "next") {
				return target
			}
		}
	}

	return ""
}

// cutLink cuts the first link off: its target, its parameters, and what follows.
func cutLink(value string) (target, parameters, rest string) {
	value = strings.TrimLeft(value, " \t,")
	if !strings.HasPrefix(value, "<") {
		return "", "", ""
	}
	target, value, found := strings.Cut(value[1:], ">")
	if !found {
		return "", "", ""
	}
	end := endOf(value, ',')

	return target, value[:end], value[end:]
}

// endOf is where the separator stands outside of quotes, or the length.
func endOf(text string, separator byte) int {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == separator && !quoted:
			return i
		}
	}

	return len(text)
}

// relates reports whether the first rel parameter names the relation.
func relates(parameters, relation string) bool {
	for parameters != "" {
		parameters = strings.TrimLeft(parameters, " \t;")
		end := endOf(parameters, ';')
		name, value, _ := strings.Cut(parameters[:end], "=")
		parameters = parameters[end:]
		if !strings.EqualFold(strings.TrimSpace(name), "rel") {
			continue
		}
		for one := range strings.FieldsSeq(strings.Trim(strings.TrimSpace(value), `"`)) {
			if strings.EqualFold(one, relation) {
				return true
			}
		}

		return false
	}

	return false
}

// resolve returns the absolute address of a link, which must stay within the origin of
// the page: the configured headers may be secret.
func resolve(page *url.URL, link string) (string, bool) {
	target, err := page.Parse(link)
	if err != nil || target.Scheme != page.Scheme || target.Host != page.Host {
		return "", false
	}
	target.Fragment = ""

	return target.String(), true
}
