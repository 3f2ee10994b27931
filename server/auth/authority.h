// server/auth/authority.h: An interface that decides what a bearer token may do: read jobs, write
// them, and which ones.
//
// Thread safety: all methods may be called from any thread; judge() does no I/O and never waits for
// reload().
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/clock.h"

namespace bide {

// The jobs that a token is for.
class JobScope {
 public:
  // Each is an id, or the beginning of ids and `*`.
  explicit JobScope(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {}
  [[nodiscard]] static bool is_pattern(std::string_view text);
  [[nodiscard]] bool covers(std::string_view id) const;

 private:
  std::vector<std::string> patterns_;
};

// The rights of a token that may do something.
struct Permit {
  // Names the client in limits that hold for each client. A hash, equal for all tokens of one
  // subject; nobody can choose a subject so that it collides with another.
  std::uint64_t client = 0;
  // The token is invalid from this time on. WallTime::max(): it does not expire.
  WallTime expires = WallTime::max();
  bool reads = true;
  bool writes = false;
  std::shared_ptr<const JobScope> jobs{};  // Null: all jobs.
};

enum class Denial : std::uint8_t {
  kInvalid,    // Malformed, unknown, wrongly signed, or not yet valid (401).
  kExpired,    // It was valid (401).
  kForbidden,  // It is valid, but permits nothing here (403).
};

class Authority {
 public:
  virtual ~Authority() = default;
  // `token`: the text behind `Bearer`, with any bytes and of any length.
  [[nodiscard]] virtual std::variant<Permit, Denial> judge(std::string_view token,
                                                           WallTime now) const = 0;
  // The result of judge() if it is known without verifying a signature. Takes a microsecond for any
  // token. nullopt: it is not known.
  [[nodiscard]] virtual std::optional<std::variant<Permit, Denial>> recall(
      std::string_view /*token*/, WallTime /*now*/) const {
    return std::nullopt;
  }
  // Reads its files again. nullopt: they are in use. The string: why they cannot be used, with file
  // and line but without secrets; then the old content stays in use.
  [[nodiscard]] virtual std::optional<std::string> reload() = 0;
  // The parts of the current files that cannot be used, and why: one line each for the log, after
  // the start and after each reload.
  [[nodiscard]] virtual std::vector<std::string> notes() const { return {}; }
  // The files to watch: when one changes, reload() has to be called.
  [[nodiscard]] virtual std::vector<std::filesystem::path> files() const = 0;
};

}  // namespace bide
