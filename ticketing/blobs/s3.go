package blobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// partSize is what one request of an upload carries; it is held in memory.
const partSize = 8 << 20

// s3Patience bounds the look at the bucket when the store is opened.
const s3Patience = 15 * time.Second

// Bucket keeps blobs as objects of one bucket of an S3 server.
type Bucket struct {
	client *minio.Client
	bucket string
	prefix string
}

// openBucket opens s3://bucket/prefix?endpoint=host:port&region=…&tls=false. The
// keys are HOTLINE_S3_ACCESS_KEY and HOTLINE_S3_SECRET_KEY, so that no secret
// stands in a URL.
func openBucket(u *url.URL) (*Bucket, error) {
	wrong := fmt.Errorf("blobs: %q is not a store of blobs; use s3://bucket/prefix?endpoint=host:port&region=…&tls=true", u.Redacted())
	q := u.Query()
	endpoint := q.Get("endpoint")
	if u.Host == "" || endpoint == "" || u.User != nil {
		return nil, wrong
	}
	for name := range q {
		if name != "endpoint" && name != "region" && name != "tls" {
			return nil, wrong
		}
	}
	access, secret := os.Getenv("HOTLINE_S3_ACCESS_KEY"), os.Getenv("HOTLINE_S3_SECRET_KEY")
	if access == "" || secret == "" {
		return nil, errors.New("blobs: an s3 store needs HOTLINE_S3_ACCESS_KEY and HOTLINE_S3_SECRET_KEY in the environment")
	}
	client, err := minio.New(endpoint, &minio.Options{
		Creds: credentials.NewStaticV4(access, secret, ""), Secure: q.Get("tls") != "false", Region: q.Get("region"), MaxRetries: 3,
	})
	if err != nil {
		return nil, fmt.Errorf("blobs: %w", err)
	}
	b := &Bucket{client: client, bucket: u.Host, prefix: strings.Trim(u.Path, "/")}
	ctx, cancel := context.WithTimeout(context.Background(), s3Patience)
	defer cancel()
	there, err := client.BucketExists(ctx, b.bucket)
	if err != nil {
		return nil, fmt.Errorf("blobs: the S3 server %s does not answer; check endpoint, keys and tls: %w", endpoint, err)
	}
	if !there {
		return nil, fmt.Errorf("blobs: the S3 server %s has no bucket %s; make it first", endpoint, b.bucket)
	}
	return b, nil
}

func (b *Bucket) key(name string) (string, error) {
	name, err := clean(name)
	if err != nil {
		return "", err
	}
	if b.prefix != "" {
		return b.prefix + "/" + name, nil
	}
	return name, nil
}

// Close lets go of nothing: connections end by themselves.
func (*Bucket) Close() error { return nil }

// Put stores what r gives under a name, replacing what was there. When it
// returns with an error nothing has changed.
func (b *Bucket) Put(ctx context.Context, name string, r io.Reader) (Blob, error) {
	key, err := b.key(name)
	if err != nil {
		return Blob{}, err
	}
	sum := sha256.New()
	info, err := b.client.PutObject(ctx, b.bucket, key, io.TeeReader(reader{ctx, r}, sum), -1, minio.PutObjectOptions{PartSize: partSize, ContentType: "application/octet-stream"})
	if err != nil {
		return Blob{}, fmt.Errorf("blobs: putting %s: %w", name, err)
	}
	return Blob{Name: name, Size: info.Size, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

// Open opens a blob for reading; close it after use.
func (b *Bucket) Open(ctx context.Context, name string) (io.ReadSeekCloser, Blob, error) {
	key, err := b.key(name)
	if err != nil {
		return nil, Blob{}, err
	}
	object, err := b.client.GetObject(ctx, b.bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, Blob{}, fmt.Errorf("blobs: opening %s: %w", name, err)
	}
	info, err := object.Stat()
	if err != nil {
		err = errors.Join(err, object.Close())
		if minio.ToErrorResponse(err).StatusCode == http.StatusNotFound || strings.Contains(err.Error(), "does not exist") {
			return nil, Blob{}, fmt.Errorf("%w: %s", ErrNotFound, name)
		}
		return nil, Blob{}, fmt.Errorf("blobs: opening %s: %w", name, err)
	}
	return object, Blob{Name: name, Size: info.Size}, nil
}

// Delete removes a blob; one that is not there is no error.
func (b *Bucket) Delete(ctx context.Context, name string) error {
	key, err := b.key(name)
	if err != nil {
		return err
	}
	if err := b.client.RemoveObject(ctx, b.bucket, key, minio.RemoveObjectOptions{}); err != nil {
		return fmt.Errorf("blobs: deleting %s: %w", name, err)
	}
	return nil
}

// Each calls do with every blob's name.
func (b *Bucket) Each(ctx context.Context, do func(name string) error) error {
	ctx, cancel := context.WithCancel(ctx) // ends the listing when do does
	defer cancel()
	prefix := ""
	if b.prefix != "" {
		prefix = b.prefix + "/"
	}
	for object := range b.client.ListObjects(ctx, b.bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if object.Err != nil {
			return fmt.Errorf("blobs: listing: %w", object.Err)
		}
		name := strings.TrimPrefix(object.Key, prefix)
		if _, err := clean(name); err != nil {
			continue // somebody else's object in the bucket
		}
		if err := do(name); err != nil {
			return err
		}
	}
	return nil
}
