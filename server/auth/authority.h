// server/auth/authority.h: Who may read: what stands behind a bearer token.
//
// Thread safety: all methods may be called from any thread; judge() does no I/O and never waits for
// reload().
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/clock.h"

namespace bide {

// A token that may read.
struct Permit {
  // Whom limits per client are counted for: equal for all tokens of one subject, a hash that nobody
  // outside can aim at.
  std::uint64_t client = 0;
  // The token is of no use from then on. WallTime::max(): it does not expire.
  WallTime expires = WallTime::max();
};

enum class Denial : std::uint8_t {
  kInvalid,    // Not a token of ours: malformed, unknown, wrongly signed, not yet valid (401).
  kExpired,    // It was one (401).
  kForbidden,  // It is one, and does not permit reading jobs (403).
};

class Authority {
 public:
  virtual ~Authority() = default;
  // `token`: as it stands behind `Bearer`, of any bytes and length.
  [[nodiscard]] virtual std::variant<Permit, Denial> judge(std::string_view token,
                                                           WallTime now) const = 0;
  // What judge() would say, where that is known without verifying anything: it costs a microsecond
  // for any token. nullopt: it is not known.
  [[nodiscard]] virtual std::optional<std::variant<Permit, Denial>> recall(
      std::string_view /*token*/, WallTime /*now*/) const {
    return std::nullopt;
  }
  // Reads its files anew. The string: why they cannot be used, naming the file and line and never a
  // secret; what was in force before stays so.
  [[nodiscard]] virtual std::optional<std::string> reload() = 0;
  // What of the files in force cannot be used, and why: worth a line each in the log after the
  // start and each reload.
  [[nodiscard]] virtual std::vector<std::string> notes() const { return {}; }
  // Whose change asks for a reload().
  [[nodiscard]] virtual std::vector<std::filesystem::path> files() const = 0;
};

}  // namespace bide
