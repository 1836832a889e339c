package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"hotline/cmd/hotline/certs"
)

// lookAtCertificate is how often the files are looked at.
const lookAtCertificate = 10 * time.Second

// loadCertificate reads the certificate, if there is one, and keeps it up to
// date until the node stops.
func (a *App) loadCertificate() error {
	if a.cfg.TLSCert == "" {
		return nil
	}
	source, err := certs.Load(a.cfg.TLSCert, a.cfg.TLSKey, a.log)
	if err != nil {
		return err
	}
	a.certs = source
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() { source.Watch(ctx, lookAtCertificate) })
	a.teardown = append(a.teardown, func(context.Context) error {
		cancel()
		watching.Wait()
		return nil
	})
	return nil
}

// errNoCertificate says that there is nothing that could be read again.
var errNoCertificate = errors.New("this node has no certificate; start it with --tls-cert and --tls-key")

// Reload reads the certificate again. On an error the old one stays in use.
func (a *App) Reload() error {
	if a.certs == nil {
		return errNoCertificate
	}
	return a.certs.Reload()
}
