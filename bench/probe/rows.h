// bench/probe/rows.h: The measurements of bide-probe, one function for each row of the comparison.
// Each prints `name value` lines to stdout; bench/compare gathers them.
#pragma once

#include "bench/probe/options.h"

namespace bench {

// Parked memory and threads, fan-out (--jobs 1) or storm (--jobs = --clients).
void measure_wake(const Options& options);
// One update among --clients parked, --samples times.
void measure_notify(const Options& options);
// Processor time while --clients are parked and nothing happens for --seconds.
void measure_idle(const Options& options);
// New connections: one request each, answered at once or (--parked 1) held until an event.
void measure_churn(const Options& options);
// --clients connects at once, and one request on each.
void measure_burst(const Options& options);
// Writes --jobs jobs of five entries each into the bucket.
void fill_bucket(const Options& options);
// As many events as fit into --seconds, published without waiting for each acknowledgement, as a
// bare nats.c publisher does; of --jobs jobs in turn.
void measure_publish(const Options& options);
// Reads the bucket as a bare nats.c ordered consumer does.
void measure_drain(const Options& options);

void print(const char* name, double value);

}  // namespace bench
