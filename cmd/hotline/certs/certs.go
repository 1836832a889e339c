package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Source is a certificate that may change.
type Source struct {
	certFile, keyFile string
	log               *slog.Logger
	cert              atomic.Pointer[tls.Certificate]

	mu   sync.Mutex // one reload at a time
	seen [2]stamp
}

// stamp tells whether a file changed. Renewals replace files, so that the
// time alone, which a copy may keep, is not enough.
type stamp struct {
	at   time.Time
	size int64
	err  bool
}

// Load reads the certificate; the error says which files.
func Load(certFile, keyFile string, log *slog.Logger) (*Source, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Source{certFile: certFile, keyFile: keyFile, log: log}
	s.seen = s.stamps()
	cert, err := s.read()
	if err != nil {
		return nil, err
	}
	s.cert.Store(cert)
	return s, nil
}

func (s *Source) read() (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(s.certFile, s.keyFile)
	if err != nil {
		return nil, fmt.Errorf("cannot use --tls-cert %s with --tls-key %s: %w", s.certFile, s.keyFile, err)
	}
	if cert.Leaf == nil {
		if cert.Leaf, err = x509.ParseCertificate(cert.Certificate[0]); err != nil {
			return nil, fmt.Errorf("cannot use --tls-cert %s: %w", s.certFile, err)
		}
	}
	return &cert, nil
}

func (s *Source) stamps() (both [2]stamp) {
	for i, name := range []string{s.certFile, s.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			both[i].err = true
			continue
		}
		both[i] = stamp{at: info.ModTime(), size: info.Size()}
	}
	return both
}

// TLS is a server's configuration. protocols are for ALPN; none when empty.
func (s *Source) TLS(protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: protocols,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.cert.Load(), nil },
	}
}

// Reload reads the files again. What cannot be used changes nothing.
func (s *Source) Reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = s.stamps()
	cert, err := s.read()
	if err != nil {
		return err
	}
	s.cert.Store(cert)
	s.log.Info("certificate taken into use", "file", s.certFile, "until", cert.Leaf.NotAfter)
	return nil
}

// changed tells whether a file is another one than at the last reading.
func (s *Source) changed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stamps() != s.seen
}

// Watch takes changed files into use until ctx ends, looking every so often.
// Of two files that are written one after the other the first makes a pair
// that does not fit; that is logged, and the second is noticed in its turn.
func (s *Source) Watch(ctx context.Context, every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if !s.changed() {
			continue
		}
		if err := s.Reload(); err != nil {
			s.log.Error("the new certificate cannot be used, the old one stays", "error", err)
		}
	}
}
