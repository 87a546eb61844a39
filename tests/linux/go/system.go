package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

// A fault of the program becomes a panic that it can recover from.
func faults() (text string, err error) {
	defer func() { text = fmt.Sprint(recover()) }()
	debug.SetPanicOnFault(true)
	var nothing *struct{ far [1 << 16]byte }
	return fmt.Sprint(nothing.far[1<<15]), nil
}

func signals() (string, error) {
	got := make(chan os.Signal, 1)
	signal.Notify(got, syscall.SIGUSR1, syscall.SIGTERM)
	defer signal.Stop(got)
	var names []string
	for _, number := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGTERM} {
		if err := syscall.Kill(os.Getpid(), number); err != nil {
			return "", err
		}
		select {
		case one := <-got:
			names = append(names, one.String())
		case <-time.After(5 * time.Second):
			return "", fmt.Errorf("%v never came", number)
		}
	}
	return strings.Join(names, ", "), nil
}

func files() (string, error) {
	folder, err := os.MkdirTemp("", "runtime")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	deep := filepath.Join(folder, "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		return "", err
	}
	for _, name := range []string{"one", "two", "three"} {
		if err := os.WriteFile(filepath.Join(deep, name), []byte(name), 0o600); err != nil {
			return "", err
		}
	}
	if err := os.Rename(filepath.Join(deep, "one"), filepath.Join(folder, "moved")); err != nil {
		return "", err
	}
	var found []string
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			data, _ := os.ReadFile(path)
			found = append(found, fmt.Sprintf("%s=%s", entry.Name(), data))
		}
		return err
	})
	return strings.Join(found, " "), err
}
