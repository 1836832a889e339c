// Command tally reads `go test -json`, prints a line a package and the output
// of what failed, and adds the counts to a file that the next steps add to.
//
//	go test -json ./... | tally COUNTS
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: tally COUNTS")
		os.Exit(2)
	}
	passed, failed, skipped := read()
	f, err := os.OpenFile(os.Args[1], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = fmt.Fprintf(f, "%d %d %d\n", passed, failed, skipped)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(1)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

// read counts tests; a package that fails without a failed test (it does not
// build, or it crashed) counts as one failure.
func read() (passed, failed, skipped int) {
	output := map[string]*strings.Builder{}
	failedIn := map[string]bool{}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 16<<20)
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			fmt.Println(in.Text())
			continue
		}
		key := e.Package + e.ImportPath + " " + e.Test
		switch e.Action {
		case "output", "build-output":
			if output[key] == nil {
				output[key] = &strings.Builder{}
			}
			output[key].WriteString(e.Output)
		case "pass", "skip", "fail":
			p, f, s := close1(e, output, failedIn, key)
			passed, failed, skipped = passed+p, failed+f, skipped+s
		case "build-fail":
			print1(output, key)
		}
	}
	return passed, failed, skipped
}

// close1 settles one test or package.
func close1(e event, output map[string]*strings.Builder, failedIn map[string]bool, key string) (passed, failed, skipped int) {
	defer delete(output, key)
	if e.Test == "" {
		if e.Action != "skip" {
			fmt.Printf("%-5s %7.1fs  %s\n", e.Action, e.Elapsed, e.Package)
		}
		if e.Action == "fail" && !failedIn[e.Package] {
			printUnfinished(output, e.Package)
			print1(output, key)
			return 0, 1, 0
		}
		return 0, 0, 0
	}
	switch e.Action {
	case "pass":
		return 1, 0, 0
	case "skip":
		print1(output, key)
		return 0, 0, 1
	}
	failedIn[e.Package] = true
	print1(output, key)
	return 0, 1, 0
}

// printUnfinished prints what the tests of a package that crashed or took too
// long had said: the crash stands in the output of one of them.
func printUnfinished(output map[string]*strings.Builder, pkg string) {
	for _, key := range slices.Sorted(maps.Keys(output)) {
		if test, ok := strings.CutPrefix(key, pkg+" "); ok && test != "" {
			fmt.Println("not finished:", test)
			print1(output, key)
			delete(output, key)
		}
	}
}

func print1(output map[string]*strings.Builder, key string) {
	if b := output[key]; b != nil {
		text := b.String()
		if len(text) > 20_000 {
			text = text[:8_000] + "\n … cut …\n" + text[len(text)-12_000:]
		}
		fmt.Print(text)
	}
}
