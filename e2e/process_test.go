package e2e_test

import "os"

// runAsWorker serves as a worker process when the environment says so.
func runAsWorker() bool { return false }

func cleanUp(code int) { os.Exit(code) }
