package webhook_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/millrace-go/millrace/connector"
	"github.com/millrace-go/millrace/connector/webhook"
)

// The test vectors that implementations of the specification publish.
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorPrivate   = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
	vectorPublic    = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorBody      = `{"test": 2432232314}`
	vectorHMAC      = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	vectorEd25519   = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
	vectorTimestamp = 1614265330
)

func key(t testing.TB, text string) webhook.Key {
	t.Helper()
	k, err := webhook.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}

	return k
}

func TestVectors(t *testing.T) {
	t.Parallel()
	at := time.Unix(vectorTimestamp, 999)
	for _, c := range []struct{ sign, verify, want string }{
		{vectorSecret, vectorSecret, vectorHMAC},
		{vectorPrivate, vectorPublic, vectorEd25519},
		{vectorPrivate, vectorPrivate, vectorEd25519},
		{seedAlone(t), vectorPublic, vectorEd25519},
	} {
		header := http.Header{}
		if err := webhook.Sign(header, vectorID, at, []byte(vectorBody), key(t, c.sign)); err != nil {
			t.Fatal(err)
		}
		if got := header.Get("Webhook-Signature"); got != c.want {
			t.Errorf("signature %s, want %s", got, c.want)
		}
		if header.Get("Webhook-Id") != vectorID || header.Get("Webhook-Timestamp") != "1614265330" {
			t.Errorf("headers %v", header)
		}
		id, err := webhook.Verify(header, []byte(vectorBody), at, 0, key(t, c.verify))
		if err != nil || id != vectorID {
			t.Errorf("id %q, %v", id, err)
		}
	}
}

// seedAlone is the private key of the vector without the public one behind it.
func seedAlone(t *testing.T) string {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(vectorPrivate, "whsk_"))
	if err != nil {
		t.Fatal(err)
	}

	return "whsk_" + base64.StdEncoding.EncodeToString(raw[:32])
}

func TestVerify(t *testing.T) {
	t.Parallel()
	good := http.Header{
		webhook.HeaderID: {vectorID}, webhook.HeaderTimestamp: {"1614265330"}, webhook.HeaderSignature: {vectorHMAC},
	}
	with := func(name string, values ...string) http.Header {
		header := good.Clone()
		header[name] = values

		return header
	}
	other := "v1," + base64.StdEncoding.EncodeToString(make([]byte, 32))
	many := func(n int) string { return strings.Repeat(other+" ", n-1) + vectorHMAC }
	for name, c := range map[string]struct {
		header http.Header
		body   string
		want   error
	}{
		"good":                        {good, vectorBody, nil},
		"one byte of the body":        {good, vectorBody + " ", webhook.ErrSignature},
		"another id":                  {with(webhook.HeaderID, "msg_2"), vectorBody, webhook.ErrSignature},
		"another time":                {with(webhook.HeaderTimestamp, "1614265331"), vectorBody, webhook.ErrSignature},
		"no id":                       {with(webhook.HeaderID), vectorBody, webhook.ErrHeader},
		"two ids":                     {with(webhook.HeaderID, vectorID, vectorID), vectorBody, webhook.ErrHeader},
		"an id with a dot":            {with(webhook.HeaderID, "msg.1"), vectorBody, webhook.ErrHeader},
		"an id with a line feed":      {with(webhook.HeaderID, "msg\n1"), vectorBody, webhook.ErrHeader},
		"an id too long":              {with(webhook.HeaderID, strings.Repeat("x", 256)), vectorBody, webhook.ErrHeader},
		"an id as long as may be":     {with(webhook.HeaderID, strings.Repeat("x", 255)), vectorBody, webhook.ErrSignature},
		"no time":                     {with(webhook.HeaderTimestamp), vectorBody, webhook.ErrHeader},
		"a time in words":             {with(webhook.HeaderTimestamp, "now"), vectorBody, webhook.ErrHeader},
		"a time with a sign":          {with(webhook.HeaderTimestamp, "+1614265330"), vectorBody, webhook.ErrHeader},
		"a time in milliseconds":      {with(webhook.HeaderTimestamp, "1614265330000"), vectorBody, webhook.ErrHeader},
		"a time beyond any":           {with(webhook.HeaderTimestamp, "99999999999999999999"), vectorBody, webhook.ErrHeader},
		"no signature":                {with(webhook.HeaderSignature), vectorBody, webhook.ErrHeader},
		"an empty signature":          {with(webhook.HeaderSignature, " "), vectorBody, webhook.ErrHeader},
		"not base64":                  {with(webhook.HeaderSignature, "v1,!"), vectorBody, webhook.ErrSignature},
		"part of the signature":       {with(webhook.HeaderSignature, vectorHMAC[:len(vectorHMAC)-4]), vectorBody, webhook.ErrSignature},
		"without a version":           {with(webhook.HeaderSignature, vectorHMAC[3:]), vectorBody, webhook.ErrSignature},
		"under another version":       {with(webhook.HeaderSignature, "v1a"+vectorHMAC[2:]), vectorBody, webhook.ErrSignature},
		"of the other scheme":         {with(webhook.HeaderSignature, vectorEd25519), vectorBody, webhook.ErrSignature},
		"behind an unknown scheme":    {with(webhook.HeaderSignature, "v9,x "+vectorHMAC), vectorBody, nil},
		"behind another one":          {with(webhook.HeaderSignature, other+" "+vectorHMAC), vectorBody, nil},
		"in a header of its own":      {with(webhook.HeaderSignature, other, vectorHMAC), vectorBody, nil},
		"as many as may be":           {with(webhook.HeaderSignature, many(16)), vectorBody, nil},
		"one too many":                {with(webhook.HeaderSignature, many(17)), vectorBody, webhook.ErrHeader},
		"nothing at all":              {http.Header{}, "", webhook.ErrHeader},
		"an id that takes a dot over": {with(webhook.HeaderTimestamp, "1614265330."), vectorBody, webhook.ErrHeader},
	} {
		_, err := webhook.Verify(c.header, []byte(c.body), time.Unix(vectorTimestamp, 0), 0, key(t, vectorSecret))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if c.want != nil && connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("%s: class %s", name, connector.ClassOf(err))
		}
	}
}

// The tolerance holds in both directions, to the second.
func TestVerifyTolerance(t *testing.T) {
	t.Parallel()
	header := http.Header{}
	at := time.Unix(vectorTimestamp, 0)
	if err := webhook.Sign(header, "a", at, nil, key(t, vectorSecret)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		tolerance, skew time.Duration
		good            bool
	}{
		{0, 5 * time.Minute, true},
		{0, 5*time.Minute + 1, false},
		{0, -5 * time.Minute, true},
		{0, -5*time.Minute - 1, false},
		{time.Second, time.Second, true},
		{time.Second, -2 * time.Second, false},
		{time.Minute, 100 * 365 * 24 * time.Hour, false},
	} {
		_, err := webhook.Verify(header, nil, at.Add(c.skew), c.tolerance, key(t, vectorSecret))
		if (err == nil) != c.good || err != nil && !errors.Is(err, webhook.ErrTimestamp) {
			t.Errorf("skew %v with tolerance %v: %v", c.skew, c.tolerance, err)
		}
	}
}

// While keys change, a receiver with the old key, the new one, or both takes a webhook
// that is signed by both; and one with both takes what is signed by either.
func TestRotation(t *testing.T) {
	t.Parallel()
	private, public := webhook.NewPair()
	signers := []webhook.Key{key(t, vectorSecret), key(t, private)}
	verifiers := []webhook.Key{key(t, vectorSecret), key(t, public)}
	now := time.Now()
	for i := range signers {
		for name, c := range map[string]struct{ sign, verify []webhook.Key }{
			"signed by both":   {signers, verifiers[i : i+1]},
			"verified by both": {signers[i : i+1], verifiers},
		} {
			header := http.Header{}
			if err := webhook.Sign(header, "a", now, []byte("body"), c.sign...); err != nil {
				t.Fatal(err)
			}
			if _, err := webhook.Verify(header, []byte("body"), now, 0, c.verify...); err != nil {
				t.Errorf("%s, key %d: %v", name, i, err)
			}
			stranger := key(t, webhook.NewSecret())
			if _, err := webhook.Verify(header, []byte("body"), now, 0, stranger); !errors.Is(err, webhook.ErrSignature) {
				t.Errorf("%s: another key takes it: %v", name, err)
			}
		}
	}
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	of := func(prefix string, n int) string {
		return prefix + base64.StdEncoding.EncodeToString(make([]byte, n))
	}
	foreign, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(vectorPrivate, "whsk_"))
	foreign[63] ^= 1
	for text, want := range map[string]string{
		vectorSecret: "", vectorPrivate: "", vectorPublic: "",
		of("whsec_", 24): "", of("whsec_", 64): "", of("whsk_", 32): "",
		of("whsec_", 23): "23 bytes", of("whsec_", 65): "65 bytes",
		of("whsk_", 31): "31 bytes", of("whsk_", 33): "33 bytes", of("whsk_", 65): "65 bytes",
		of("whpk_", 31): "31 bytes", of("whpk_", 33): "33 bytes",
		"whsk_" + base64.StdEncoding.EncodeToString(foreign): "not the seed's",
		"whsec_a secret": "not base64", vectorSecret[6:]: "starts with", "": "starts with",
	} {
		k, err := webhook.ParseKey(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
		encoded := text[strings.IndexByte(text, '_')+1:]
		if shown := fmt.Sprintf("%v %+v %#v %s %d %v", k, k, k, k, k, err); encoded != "" && strings.Contains(shown, encoded) {
			t.Errorf("%s is shown: %s", text, shown)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	good := key(t, vectorSecret)
	for name, c := range map[string]struct {
		id   string
		keys []webhook.Key
	}{
		"no id":           {"", []webhook.Key{good}},
		"a dot":           {"a.b", []webhook.Key{good}},
		"a space":         {"a b", []webhook.Key{good}},
		"a line feed":     {"a\r\nX: y", []webhook.Key{good}},
		"too long":        {strings.Repeat("x", 256), []webhook.Key{good}},
		"no key":          {"a", nil},
		"a zero key":      {"a", []webhook.Key{{}}},
		"a verifier":      {"a", []webhook.Key{key(t, vectorPublic)}},
		"one good of two": {"a", []webhook.Key{good, key(t, vectorPublic)}},
	} {
		header := http.Header{}
		if err := webhook.Sign(header, c.id, time.Now(), nil, c.keys...); err == nil || len(header) > 0 {
			t.Errorf("%s: %v, headers %v", name, err, header)
		}
	}
}

// FuzzVerify takes any request: what verifies is what was signed.
func FuzzVerify(f *testing.F) {
	secret, err := webhook.ParseKey(vectorSecret)
	if err != nil {
		f.Fatal(err)
	}
	public, err := webhook.ParseKey(vectorPublic)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(vectorID, "1614265330", vectorHMAC, []byte(vectorBody))
	f.Add(vectorID, "1614265330", vectorEd25519+" "+vectorHMAC, []byte(vectorBody))
	f.Add(vectorID, "1614265330", "v1, v1a,", []byte(nil))
	f.Add("a.b", "-1", "v1,AAAA", []byte("x"))
	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		header := http.Header{
			webhook.HeaderID: {id}, webhook.HeaderTimestamp: {timestamp}, webhook.HeaderSignature: {signature},
		}
		_, err := webhook.Verify(header, body, time.Unix(vectorTimestamp, 0), 0, secret, public)
		genuine := id == vectorID && timestamp == "1614265330" && string(body) == vectorBody
		if err == nil && !genuine {
			t.Errorf("id %q, time %q, signature %q, body %q verify", id, timestamp, signature, body)
		}
		if err != nil && connector.ClassOf(err) != connector.ClassPermanent {
			t.Errorf("%v has class %s", err, connector.ClassOf(err))
		}
	})
}

// FuzzParseKey takes any text: a key that parses signs what it verifies, if it signs.
func FuzzParseKey(f *testing.F) {
	for _, seed := range []string{vectorSecret, vectorPrivate, vectorPublic, "whsec_", "whsk_AAAA", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := webhook.ParseKey(text)
		if err != nil {
			return
		}
		header, now := http.Header{}, time.Unix(vectorTimestamp, 0)
		if webhook.Sign(header, "a", now, []byte(text), k) != nil {
			return // a public key
		}
		if _, err := webhook.Verify(header, []byte(text), now, 0, k); err != nil {
			t.Errorf("%q does not verify what it signed: %v", text, err)
		}
	})
}
