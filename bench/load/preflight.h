// bench/load/preflight.h: Finds mistakes that would otherwise look like a run in which nothing
// arrives.
//
// Thread safety: pure function; blocks on the network.
#pragma once

#include <string>
#include <string_view>

#include "bench/kit/address.h"
#include "bench/load/options.h"

namespace bench::load {

// Asks for a job that has just been written; returns when the server knows it. Blocks for at most
// 15 s. Dies with the likely cause: nobody listens, a token is wanted, another bucket is watched.
void check_server(const Options& options, const Address& address, const std::string& fields);

}  // namespace bench::load
