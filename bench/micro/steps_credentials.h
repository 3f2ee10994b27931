// bench/micro/steps_credentials.h: The tokens and the certificate of bide-steps, made on the spot.
//
// Thread safety: none; one thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "bench/micro/steps.h"

namespace bide::bench {

// Writes into `directory` the files that a server with that setting reads (tokens, secret,
// public.pem, server.crt, server.key), and the key that its clients sign with (private.pem).
void write_credentials(Setting setting, const std::filesystem::path& directory);

// Signs tokens that write_credentials() has made valid. For a setting that has tokens.
class TokenMaker {
 public:
  TokenMaker(Setting setting, const std::filesystem::path& directory);
  // The whole field line for a client's request; empty where the setting has no tokens.
  [[nodiscard]] std::string authorization(std::size_t step) const;

 private:
  [[nodiscard]] std::string token(std::size_t step) const;
  [[nodiscard]] std::string signature(std::string_view text) const;

  Setting setting_;
  std::string private_key_;  // PEM, of RS256.
};

}  // namespace bide::bench
