package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const connections = 200

// Server and clients in one program, over the loopback interface; each client keeps its connection.
func keepAlive() (string, error) {
	body := strings.Repeat("kept alive ", 500)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	var opened atomic.Int64
	server := &http.Server{
		Handler: http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
			io.WriteString(answer, body)
		}),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				opened.Add(1)
			}
		},
	}
	go server.Serve(listener)
	defer server.Close()
	url := "http://" + listener.Addr().String()
	var wait sync.WaitGroup
	var good atomic.Int64
	for range connections {
		wait.Add(1)
		go func() {
			defer wait.Done()
			client := &http.Client{Transport: &http.Transport{}}
			for range 3 {
				if ask(client, url) == body {
					good.Add(1)
				}
			}
			client.CloseIdleConnections()
		}()
	}
	wait.Wait()
	return fmt.Sprintf("%d answers over %d connections", good.Load(), opened.Load()), nil
}

func ask(client *http.Client, url string) string {
	answer, err := client.Get(url)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// A read whose time is up ends, and the connection goes on.
func deadlines() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	dialled, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return "", err
	}
	defer dialled.Close()
	accepted, err := listener.Accept()
	if err != nil {
		return "", err
	}
	defer accepted.Close()
	dialled.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	buffer := make([]byte, 16)
	if _, err := dialled.Read(buffer); !errors.Is(err, os.ErrDeadlineExceeded) {
		return "", fmt.Errorf("instead of a deadline: %v", err)
	}
	dialled.SetReadDeadline(time.Time{})
	fmt.Fprint(accepted, "still here")
	count, err := dialled.Read(buffer)
	return string(buffer[:count]), err
}
