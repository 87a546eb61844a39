package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Ten thousand goroutines at once, each waiting for all others.
func goroutines() (string, error) {
	const count = 10000
	var ready, done sync.WaitGroup
	var sum atomic.Int64
	start := make(chan struct{})
	for i := range count {
		ready.Add(1)
		done.Add(1)
		go func() {
			ready.Done()
			<-start
			sum.Add(int64(i))
			done.Done()
		}()
	}
	ready.Wait()
	close(start)
	done.Wait()
	return fmt.Sprint(sum.Load()), nil
}

// A loop without calls has to give way on one processor: the runtime interrupts it by a signal.
func preemption() (string, error) {
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	var stop, turns atomic.Int64
	go func() {
		for stop.Load() == 0 {
			turns.Add(1)
		}
	}()
	time.Sleep(30 * time.Millisecond)
	stop.Store(1)
	if turns.Load() == 0 {
		return "", fmt.Errorf("the loop never ran")
	}
	return "gives way", nil
}

// Timers that are set in reverse have to fire in order.
func timers() (string, error) {
	const count = 20
	fired := make(chan int, count)
	for i := count - 1; i >= 0; i-- {
		time.AfterFunc(time.Duration(20+15*i)*time.Millisecond, func() { fired <- i })
	}
	late := 0
	for i := range count {
		if got := <-fired; got != i {
			late++
		}
	}
	if late > 0 {
		return "", fmt.Errorf("%d of %d out of order", late, count)
	}
	return "in order", nil
}

// Far more garbage than there is memory, under a limit, with some of it alive all the time.
func collector() (string, error) {
	before := debug.SetMemoryLimit(16 << 20)
	defer debug.SetMemoryLimit(before)
	kept := make([][]byte, 64)
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := range 2000 {
				block := make([]byte, 16<<10)
				block[0], block[len(block)-1] = byte(i), byte(worker)
				kept[worker*16+i%16] = block
			}
		}()
	}
	wait.Wait()
	var statistics runtime.MemStats
	runtime.ReadMemStats(&statistics)
	if statistics.NumGC == 0 {
		return "", fmt.Errorf("the collector never ran")
	}
	for i, block := range kept {
		if block[len(block)-1] != byte(i/16) {
			return "", fmt.Errorf("block %d holds something else", i)
		}
	}
	return "128 MB of garbage in a heap of 16", nil
}
