// server/auth/token_file.h: Who may read, by a file of opaque tokens (`--auth token-file=F`).
//
// One token a line; lines that are empty or begin with `#` say nothing, and a CR before the line's
// end and a byte order mark are dropped. Who stands in the file may read, until the file is read
// anew without him. Only digests are kept (server/auth/keyed_digest.h), not the tokens. The file's
// permissions are not judged: what Kubernetes mounts is readable by everybody who is let in there.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/auth/authority.h"
#include "server/auth/keyed_digest.h"
#include "server/files/reloadable.h"

namespace bide {

class TokenFile : public Authority {
 public:
  // Of visible ASCII. Shorter ones could be guessed: 16 hexadecimal digits are 64 bits.
  static constexpr std::size_t kTokenBytesMin = 16;
  static constexpr std::size_t kTokenBytesMax = 4096;
  static constexpr std::size_t kTokensMax = 10'000;

  // Reads the file; throws StartError, saying what reload() would.
  explicit TokenFile(std::filesystem::path file);

  // Knows the good ones.
  [[nodiscard]] std::optional<std::variant<Permit, Denial>> recall(std::string_view token,
                                                                   WallTime now) const override;
  [[nodiscard]] std::variant<Permit, Denial> judge(std::string_view token,
                                                   WallTime now) const override;
  // A file without a single token is an error: it is more likely half written than meant.
  [[nodiscard]] std::optional<std::string> reload() override;
  [[nodiscard]] std::vector<std::filesystem::path> files() const override { return {file_}; }

 private:
  const std::filesystem::path file_;
  const KeyedDigest digest_;
  Reloadable<std::vector<KeyedDigest::Value>> tokens_;  // In order.
};

}  // namespace bide
