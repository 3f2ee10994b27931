// bench/micro/steps.h: The operations that bide-steps repeats, and their settings.
//
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace bide::bench {

enum class Operation {
  kNotModified,     // A conditional request, answered 304.
  kFound,           // A plain one, answered 200.
  kParkAndWake,     // A request that is parked, woken by an event, and answered 200.
  kRecord,          // An event, told on a stream of all jobs.
  kConnect,         // A new connection, a 304 on it, and its end.
  kApplied,         // An event that nobody waits for. No client.
  kAppliedAwaited,  // An event that a silent waiter waits for. No client.
  // An event by POST, stored at once, applied, and answered with its job. With kTokenFile only:
  // without a token bide takes writes from loopback alone, and the client has no address.
  kReported,
  kBodyRead,  // The body of such a request, made an entry and checked. No client.
};
[[nodiscard]] std::optional<Operation> operation_from_word(std::string_view word);

// What the server has beside the plainest one.
enum class Setting {
  kPlain,
  kLabels,     // Each job has four labels.
  kPlaces,     // --max-parked-per-client, as by default.
  kRate,       // --max-rate-per-client, too.
  kTokenFile,  // --auth token-file, of a thousand tokens.
  kJwt,        // --auth jwt: the same HS256 token every time.
  kJwtNew,     // Another HS256 token every time.
  kRs256New,   // Another RS256 token every time, of a key of 2048 bits.
  kTls,        // TLS 1.3.
};
[[nodiscard]] std::optional<Setting> setting_from_word(std::string_view word);

struct Order {
  Operation operation{};
  std::size_t steps = 0;
  Setting setting = Setting::kPlain;
};

// Counting takes the difference of two runs, which both have these steps before the others: what
// only first requests pay (symbols looked up, buffers grown) is in neither.
inline constexpr std::size_t kWarmUp = 100;
// The server prepares for so many, always: then start-up costs the same for any number.
inline constexpr std::size_t kStepsMax = 4'000;

}  // namespace bide::bench
