// A hundred held requests at once over net/http, which speaks HTTP/2 where the server does.
//
//	http2_client URL CA
//
// Prints the number of answers for each protocol and status, and of connections.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	roots := x509.NewCertPool()
	pem, err := os.ReadFile(os.Args[2])
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		panic("no certificate in " + os.Args[2])
	}
	var connections atomic.Int32
	dialer := net.Dialer{Timeout: 10 * time.Second}
	client := http.Client{Timeout: 60 * time.Second, Transport: &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			connections.Add(1)
			return dialer.DialContext(ctx, network, address)
		},
	}}
	ask := func(url string) string {
		response, err := client.Get(url)
		if err != nil {
			return err.Error()
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return err.Error()
		}
		return fmt.Sprint(response.Proto, " ", response.StatusCode)
	}
	ask(os.Args[1]) // The others share its connection.
	var mutex sync.Mutex
	counts := map[string]int{}
	var all sync.WaitGroup
	for i := 0; i < 100; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			answer := ask(os.Args[1] + "?until=done&wait=30s")
			mutex.Lock()
			counts[answer]++
			mutex.Unlock()
		}()
	}
	all.Wait()
	fmt.Println(counts, connections.Load())
}
