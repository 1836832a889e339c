package config

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// nodeName is what a node may be called.
var nodeName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// among reads what a node among several is called and where the others reach it.
func (c *Config) among(v map[string]string, fail func(name, format string, args ...any)) {
	c.Node, c.NodeURL = v["node"], v["node-url"]
	if c.Node == "" {
		if c.NodeURL != "" {
			fail("node-url", "give --node too, or neither")
		}
		return
	}
	if !nodeName.MatchString(c.Node) {
		fail("node", "%q: give letters, digits, points and dashes, at most 64", c.Node)
	}
	if strings.HasPrefix(c.Queue, "mem:") {
		fail("node", "nodes share the call centre over Redis; give --queue redis://host:6379/0")
	}
	if strings.HasPrefix(c.Store, "sqlite:") {
		fail("node", "nodes share one database; give --store postgres://…")
	}
	if c.NodeURL == "" {
		host, _, _ := net.SplitHostPort(c.HTTP)
		if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
			fail("node-url", "--http listens on every address; say at which the other nodes reach it, such as http://10.1.2.3:8080")
			return
		}
		scheme := "http://"
		if c.TLSCert != "" {
			scheme = "https://"
		}
		c.NodeURL = scheme + c.HTTP
		return
	}
	u, err := url.Parse(c.NodeURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.User != nil {
		fail("node-url", "%q is not a URL such as http://10.1.2.3:8080", c.NodeURL)
	}
	c.NodeURL = strings.TrimRight(c.NodeURL, "/")
}
