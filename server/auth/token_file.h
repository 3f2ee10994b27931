// server/auth/token_file.h: Accepts the tokens in a file (`--auth token-file=F`).
//
// A line is `TOKEN [read|write] [jobs=PATTERN,…]`: by default a token may read, with `write` it may
// read and write; a pattern is an id or a prefix and `*`, and without any the token is for all
// jobs. Empty lines and lines that begin with `#` are ignored; a CR at the end of a line and a byte
// order mark are dropped. A token is accepted until the file is read again without it. Only digests
// are kept (server/auth/keyed_digest.h), not the tokens. The permissions of the file are not
// checked: in Kubernetes, every process of a container can read a mounted secret.
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
  // Tokens are visible ASCII. Shorter ones could be guessed: 16 hexadecimal digits are 64 bits.
  static constexpr std::size_t kTokenBytesMin = 16;
  static constexpr std::size_t kTokenBytesMax = 4096;
  static constexpr std::size_t kTokensMax = 10'000;

  struct Known {
    KeyedDigest::Value digest;
    bool writes = false;
    std::shared_ptr<const JobScope> jobs{};  // Null: all.
  };

  // Reads the file. Throws StartError with the text that reload() would return.
  explicit TokenFile(std::filesystem::path file);

  // Knows all accepted tokens.
  [[nodiscard]] std::optional<std::variant<Permit, Denial>> recall(std::string_view token,
                                                                   WallTime now) const override;
  [[nodiscard]] std::variant<Permit, Denial> judge(std::string_view token,
                                                   WallTime now) const override;
  // A file without tokens is an error: probably it is only half written.
  [[nodiscard]] std::optional<std::string> reload() override;
  [[nodiscard]] std::vector<std::filesystem::path> files() const override { return {file_}; }

 private:
  const std::filesystem::path file_;
  const KeyedDigest digest_;
  Reloadable<std::vector<Known>> tokens_;  // Sorted.
};

}  // namespace bide
