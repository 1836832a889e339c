package keyring

import "hotline/ticketing/sealing"

// Wrap seals another key under the present one; about is what it belongs to.
func (r *Ring) Wrap(c sealing.Cipher, key []byte, about string) ([]byte, error) {
	m := r.list[0]
	box, err := c.Seal(m.made[forKeys], key, about)
	if err != nil {
		return nil, err
	}
	return append([]byte(m.name), box...), nil
}

// Unwrap is the opposite of Wrap. Errors: ErrSealed.
func (r *Ring) Unwrap(wrapped []byte, about string) ([]byte, error) {
	if len(wrapped) < nameSize {
		return nil, ErrSealed
	}
	master, known := r.derived(string(wrapped[:nameSize]), forKeys)
	if !known {
		return nil, ErrSealed
	}
	key, err := sealing.Open(master, wrapped[nameSize:], about)
	if err != nil {
		return nil, ErrSealed
	}
	return key, nil
}

// Under is the fingerprint of the key that something was wrapped with.
func Under(wrapped []byte) string {
	return string(wrapped[:min(nameSize, len(wrapped))])
}
