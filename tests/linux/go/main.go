// Leans on the parts of Go's runtime that lean on the kernel, and says what came of each.
package main

import (
	"fmt"
	"os"
	"runtime"
)

type check struct {
	name string
	run  func() (string, error)
}

var checks = []check{
	{"goroutines", goroutines},
	{"preemption", preemption},
	{"timers", timers},
	{"collector", collector},
	{"faults", faults},
	{"signals", signals},
	{"files", files},
	{"keep-alive", keepAlive},
	{"deadlines", deadlines},
}

func main() {
	failed := 0
	fmt.Println("system", runtime.GOOS, runtime.GOARCH)
	for _, check := range checks {
		found, err := check.run()
		if err != nil {
			failed++
			found = "error: " + err.Error()
		}
		fmt.Println(check.name, found)
	}
	os.Exit(failed)
}
