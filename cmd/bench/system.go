package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// datagrams is how many UDP datagrams this machine has sent (proc(5), net/snmp).
func datagrams() (int64, error) {
	raw, err := os.ReadFile("/proc/net/snmp")
	if err != nil {
		return 0, err
	}
	var names []string
	for line := range strings.Lines(string(raw)) {
		rest, ok := strings.CutPrefix(line, "Udp: ")
		if !ok {
			continue
		}
		fields := strings.Fields(rest)
		if names == nil {
			names = fields
			continue
		}
		for i, name := range names {
			if name == "OutDatagrams" && i < len(fields) {
				var n int64
				_, err := fmt.Sscan(fields[i], &n)
				return n, err
			}
		}
	}
	return 0, errors.New("/proc/net/snmp has no OutDatagrams")
}

// drops reads how many datagrams the system threw away at the sockets of a
// range of ports, because their program did not fetch them in time (udp(7),
// /proc/net/udp).
func drops(low, high int) (int64, error) {
	raw, err := os.ReadFile(filepath.Clean("/proc/net/udp"))
	if err != nil {
		return 0, err
	}
	sum := int64(0)
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) < 13 || !strings.Contains(fields[1], ":") {
			continue
		}
		var port int
		var n int64
		if _, err := fmt.Sscanf(fields[1][strings.IndexByte(fields[1], ':')+1:], "%X", &port); err != nil {
			continue
		}
		if _, err := fmt.Sscan(fields[len(fields)-1], &n); err != nil || port < low || port > high {
			continue
		}
		sum += n
	}
	return sum, nil
}
