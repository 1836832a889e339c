package esindex

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esapi"

	"hotline/search"
)

// Schemes are the URL schemes of this engine.
const (
	Scheme       = "elasticsearch+http"
	SchemeSecure = "elasticsearch+https"
)

// DefaultPrefix is the prefix of a URL that names none.
const DefaultPrefix = "hotline"

// Options tune the engine; the zero value works.
type Options struct {
	Log       *slog.Logger
	Now       func() time.Time
	Timeout   time.Duration // of one call; 30 s when zero
	Retries   int           // of one call; 3 when zero
	Shards    int           // of a new index; 1 when zero
	Replicas  int           // of a new index
	BulkBytes int           // of one bulk request; 5 MiB when zero
}

// Index implements [search.Driver].
type Index struct {
	prefix string // the alias, and what index names begin with
	client *elasticsearch.BaseClient
	pool   *http.Transport
	log    *slog.Logger
	now    func() time.Time
	opts   Options

	ensuring sync.Mutex
	ensured  bool // the alias was there once

	swapping sync.RWMutex // held for reading while writing, so that none is in flight at a swap
	building string       // the index that a rebuild of this process fills; guarded by swapping
}

// Open checks the URL, elasticsearch+http(s)://[user:password@]host:port[,host:port…][/prefix], and
// makes a client. It does not wait for the cluster: Ready tells whether it answers.
func Open(_ context.Context, rawURL string, opts Options) (*Index, error) {
	addresses, user, prefix, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	setDefault(&opts.Timeout, 30*time.Second)
	setDefault(&opts.Retries, 3)
	setDefault(&opts.Shards, 1)
	setDefault(&opts.BulkBytes, 5<<20)
	pool := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     90 * time.Second,
	}
	config := elasticsearch.Config{
		Addresses: addresses, Transport: pool, MaxRetries: opts.Retries, RetryOnStatus: []int{429, 502, 503, 504},
		RetryBackoff: func(attempt int) time.Duration { return time.Duration(attempt) * 100 * time.Millisecond },
		// A later major version is asked to speak this one's language.
		EnableCompatibilityMode: true, DisableMetaHeader: true,
	}
	if user != nil {
		config.Username = user.Username()
		config.Password, _ = user.Password()
	}
	// The base client goes without the table of every API, which would put all of them into the binary.
	client, err := elasticsearch.NewBaseClient(config)
	if err != nil {
		return nil, fmt.Errorf("elasticsearch client: %w", err)
	}
	return &Index{prefix: prefix, client: client, pool: pool, log: opts.Log, now: opts.Now, opts: opts}, nil
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

var validPrefix = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,99}$`)

// parse reads the URL by hand, because net/url allows only one host.
func parse(rawURL string) (addresses []string, user *url.Userinfo, prefix string, err error) {
	const usage = "use elasticsearch+http://host:9200/prefix, with https and user:password@ where needed, hosts joined by commas"
	scheme, rest, ok := strings.Cut(rawURL, "://")
	if !ok || scheme != Scheme && scheme != SchemeSecure {
		return nil, nil, "", errors.New("search URL: " + usage)
	}
	authority, path, _ := strings.Cut(rest, "/")
	if prefix = strings.Trim(path, "/"); prefix == "" {
		prefix = DefaultPrefix
	}
	if !validPrefix.MatchString(prefix) {
		return nil, nil, "", fmt.Errorf("search URL: the prefix %q must be lower-case letters, digits, _ and -, beginning with a letter; %s", prefix, usage)
	}
	hosts := authority
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		hosts = authority[i+1:]
		u, err := url.Parse("http://" + authority[:i+1] + "host")
		if err != nil {
			return nil, nil, "", errors.New("search URL: user and password are not valid (percent-encode special characters); " + usage)
		}
		user = u.User
	}
	for host := range strings.SplitSeq(hosts, ",") {
		u, err := url.Parse(strings.TrimPrefix(scheme, "elasticsearch+") + "://" + host)
		if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
			return nil, nil, "", errors.New("search URL: a host is not valid; " + usage)
		}
		addresses = append(addresses, u.String())
	}
	return addresses, user, prefix, nil
}

// Close drops idle connections.
func (x *Index) Close() error {
	x.pool.CloseIdleConnections()
	return nil
}

// Ready is nil when the alias points to one whole index of this version that answers.
func (x *Index) Ready(ctx context.Context) error {
	if err := x.ensure(ctx); err != nil {
		return err
	}
	var mappings map[string]struct {
		Mappings struct {
			Meta meta `json:"_meta"`
		} `json:"mappings"`
	}
	if err := x.call(ctx, esapi.IndicesGetMappingRequest{Index: []string{x.prefix}}, &mappings); err != nil {
		return x.gone(err)
	}
	if len(mappings) != 1 {
		return fmt.Errorf("%w: the alias %s points to %d indexes", search.ErrNeedsRebuild, x.prefix, len(mappings))
	}
	for name, m := range mappings {
		if !m.Mappings.Meta.Ready || m.Mappings.Meta.Schema != schema {
			return fmt.Errorf("%w: the index %s is new or of another version", search.ErrNeedsRebuild, name)
		}
	}
	var health struct {
		Status string `json:"status"`
	}
	if err := x.call(ctx, esapi.ClusterHealthRequest{Index: []string{x.prefix}}, &health); err != nil {
		return x.gone(err)
	}
	if health.Status == "red" {
		return fmt.Errorf("%w: the index %s is red", search.ErrUnavailable, x.prefix)
	}
	return nil
}

// gone turns "no such index" into the need to rebuild, and looks for the alias anew next time.
func (x *Index) gone(err error) error {
	if !isStatus(err, http.StatusNotFound) {
		return err
	}
	x.ensuring.Lock()
	x.ensured = false
	x.ensuring.Unlock()
	return fmt.Errorf("%w: %w: %w", search.ErrUnavailable, search.ErrNeedsRebuild, err)
}
