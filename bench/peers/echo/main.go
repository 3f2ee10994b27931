// bench-echo: job status by long poll, as one would write it in Go: labstack echo for HTTP, nats.go
// for the bucket, a goroutine for each held request.
//
// main.go starts it, feed.go turns the bucket's entries into events, jobs.go keeps the jobs, and
// resource.go answers requests.
//
// The runtime raises the limit of descriptors to its hard limit by itself since Go 1.19.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os/signal"
	"syscall"

	"github.com/labstack/echo/v4"
	"github.com/nats-io/nats.go"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "where to serve")
	natsURL := flag.String("nats", "nats://127.0.0.1:4222", "the NATS server")
	bucket := flag.String("bucket", "job-queue", "the key-value bucket, created if it is missing")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := serve(ctx, *listen, *natsURL, *bucket); err != nil {
		log.Fatal(err)
	}
}

// serve returns once ctx is done, or with what kept it from serving.
func serve(ctx context.Context, listen, natsURL, bucket string) error {
	jobs := newJobTable()
	watch, err := watchBucket(natsURL, bucket)
	if err != nil {
		return err
	}
	defer watch.Stop()
	watch.readAll(jobs)
	go watch.follow(jobs)

	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	server := newServer(jobs, watch.store)
	server.Listener = listener
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	fmt.Println("listening")
	if err := server.Start(listen); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// newServer has no middleware: neither a logger nor recovery is part of what is compared.
func newServer(jobs *jobTable, store nats.KeyValue) *echo.Echo {
	server := echo.New()
	server.HideBanner = true
	server.HidePort = true
	resource := jobResource{jobs, store}
	server.GET("/job/:id", resource.get)
	server.POST("/job/:id/events", resource.report)
	server.GET("/livez", func(c echo.Context) error { return c.String(http.StatusOK, "ok") })
	return server
}
