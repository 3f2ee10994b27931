// client/write_access.h: Where a command writes: to a bide server over HTTP, or to the bucket over
// NATS.
//
// Thread safety: pure functions, except that find_write_access() reads the environment and files.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "client/api_access.h"
#include "client/nats_access.h"
#include "client/report.h"
#include "client/usage.h"

namespace bide {

// `--server`, `--cacert` and nats_flags().
[[nodiscard]] std::vector<const Setting*> write_flags();

struct BucketAccess {
  NatsLogin login;
  std::string bucket;
};
struct NoAccess {
  ExitCode code;        // kUsage, or kBideFailed if a file or a context is missing.
  std::string message;  // One line without a secret.
};
// Prints the message and returns the exit code.
int fail(std::string_view command, const NoAccess& error);
using WriteAccess = std::variant<ApiAccess, BucketAccess, NoAccess>;

// In this order: flags (--server or --cacert: HTTP; --bucket or one of NATS: NATS; not both),
// BIDE_SERVER, BIDE_NATS or BIDE_NATS_CONTEXT, the nats-server that `bide serve` has started on
// this machine, and the default address of `bide serve`.
[[nodiscard]] WriteAccess find_write_access(const Arguments& arguments);

// What to do about `trouble`, to be appended to it. Empty: it says itself what to do.
[[nodiscard]] std::string hint_about(std::string_view trouble, const Arguments& arguments);

}  // namespace bide
