package main

import "os"

func main() {
	os.Exit(command{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}.run(os.Args[1:]))
}
