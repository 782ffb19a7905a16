package webhook

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

const (
	prefixSecret  = "whsec_"
	prefixPrivate = "whsk_"
	prefixPublic  = "whpk_"

	minSecret = 24
	maxSecret = 64
	newSecret = 32

	versionSecret = "v1"
	versionPair   = "v1a"
)

// Key signs webhooks, or verifies them, or both. Make one with [ParseKey]. It never shows
// its secret: however it is printed, it names its kind alone. The zero Key does neither.
type Key struct {
	version string
	secret  []byte
	private ed25519.PrivateKey
	public  ed25519.PublicKey
}

// ParseKey reads a key as the specification writes it, in base64 behind a prefix:
//
//   - whsec_: a shared secret of 24 to 64 bytes, for HMAC-SHA256; signs and verifies.
//   - whsk_: a private ed25519 key, its seed of 32 bytes with or without the public key
//     behind it; signs and verifies.
//   - whpk_: a public ed25519 key; verifies.
//
// The error never shows the text.
func ParseKey(text string) (Key, error) {
	for _, kind := range []struct {
		prefix string
		make   func([]byte) (Key, error)
	}{{prefixSecret, secretKey}, {prefixPrivate, privateKey}, {prefixPublic, publicKey}} {
		encoded, ok := strings.CutPrefix(text, kind.prefix)
		if !ok {
			continue
		}
		raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if err != nil {
			return Key{}, fmt.Errorf("webhook: key %s… is not base64", kind.prefix)
		}
		key, err := kind.make(raw)
		if err != nil {
			return Key{}, fmt.Errorf("webhook: key %s…: %w", kind.prefix, err)
		}

		return key, nil
	}

	return Key{}, errors.New("webhook: a key starts with whsec_, whsk_ or whpk_")
}

func secretKey(raw []byte) (Key, error) {
	if len(raw) < minSecret || len(raw) > maxSecret {
		return Key{}, fmt.Errorf("a secret of %d bytes: want %d to %d", len(raw), minSecret, maxSecret)
	}

	return Key{version: versionSecret, secret: raw}, nil
}

func privateKey(raw []byte) (Key, error) {
	if len(raw) != ed25519.SeedSize && len(raw) != ed25519.PrivateKeySize {
		return Key{}, fmt.Errorf("a private key of %d bytes: want %d or %d", len(raw), ed25519.SeedSize, ed25519.PrivateKeySize)
	}
	private := ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])
	// Signing under a public key that is not the seed's would give the seed away.
	if len(raw) == ed25519.PrivateKeySize && subtle.ConstantTimeCompare(raw, private) == 0 {
		return Key{}, errors.New("the public key behind the seed is not the seed's")
	}

	return Key{version: versionPair, private: private, public: ed25519.PublicKey(private[ed25519.SeedSize:])}, nil
}

func publicKey(raw []byte) (Key, error) {
	if len(raw) != ed25519.PublicKeySize {
		return Key{}, fmt.Errorf("a public key of %d bytes: want %d", len(raw), ed25519.PublicKeySize)
	}

	return Key{version: versionPair, public: raw}, nil
}

// NewSecret returns a new shared secret of 32 random bytes, with its prefix whsec_.
func NewSecret() string {
	raw := make([]byte, newSecret)
	_, _ = rand.Read(raw) // it never fails

	return prefixSecret + base64.StdEncoding.EncodeToString(raw)
}

// NewPair returns a new ed25519 pair: the private key, with whsk_, for the sender, and the
// public one, with whpk_, for receivers.
func NewPair() (private, public string) {
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed) // it never fails
	key := ed25519.NewKeyFromSeed(seed)

	return prefixPrivate + base64.StdEncoding.EncodeToString(key),
		prefixPublic + base64.StdEncoding.EncodeToString(key[ed25519.SeedSize:])
}

// Format implements fmt.Formatter, so that no verb shows the secret.
func (k Key) Format(f fmt.State, _ rune) {
	kind := "no key"
	switch {
	case k.secret != nil:
		kind = prefixSecret + "…"
	case k.private != nil:
		kind = prefixPrivate + "…"
	case k.public != nil:
		kind = prefixPublic + "…"
	}
	_, _ = f.Write([]byte(kind))
}

// signs reports whether the key can sign.
func (k Key) signs() bool { return k.secret != nil || k.private != nil }

// verifies reports whether the key can verify.
func (k Key) verifies() bool { return k.secret != nil || k.public != nil }

// sign returns the signature of content with the version of its scheme.
func (k Key) sign(content []byte) string {
	signature := k.mac(content)
	if k.private != nil {
		signature = ed25519.Sign(k.private, content)
	}

	return k.version + "," + base64.StdEncoding.EncodeToString(signature)
}

func (k Key) mac(content []byte) []byte {
	if k.secret == nil {
		return nil
	}
	mac := hmac.New(sha256.New, k.secret)
	_, _ = mac.Write(content) // a hash never fails

	return mac.Sum(nil)
}

// verify reports whether one of the signatures, which are those of the key's version, is
// that of content.
func (k Key) verify(content []byte, signatures [][]byte) bool {
	if k.public != nil {
		for _, signature := range signatures {
			if ed25519.Verify(k.public, content, signature) {
				return true
			}
		}

		return false
	}
	want := k.mac(content)
	for _, signature := range signatures {
		if hmac.Equal(signature, want) {
			return true
		}
	}

	return false
}
