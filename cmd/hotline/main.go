package main

import (
	"os"

	"hotline/cmd/hotline/commands"
)

// version is set by the build.
var version = "dev"

func main() { os.Exit(commands.Run(os.Args[1:], version)) }
