// tests/server/net/tls_suites.h: The keys of a connection after its handshake, made up: of every
// suite that bide agrees on, in either version.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "server/net/tls_handshake.h"

namespace bide::testing {

inline TlsTraffic::Bytes span_of(const std::string& text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

// By the number that is its name on the wire.
inline const SSL_CIPHER* tls_cipher(std::uint16_t number) {
  static const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_method()),
                                                                    SSL_CTX_free);
  static const std::unique_ptr<SSL, void (*)(SSL*)> ssl(SSL_new(context.get()), SSL_free);
  const unsigned char bytes[] = {static_cast<unsigned char>(number >> 8),
                                 static_cast<unsigned char>(number)};
  return SSL_CIPHER_find(ssl.get(), bytes);
}

inline std::vector<TlsKeys> keys_of_every_suite() {
  std::vector<TlsKeys> all;
  for (const auto& [number, hash_bytes] :
       {std::pair<std::uint16_t, std::size_t>{0x1301, 32}, {0x1302, 48}, {0x1303, 32}}) {
    all.push_back({*TlsTraffic::of_1_3(tls_cipher(number), span_of(std::string(hash_bytes, 'c'))),
                   *TlsTraffic::of_1_3(tls_cipher(number), span_of(std::string(hash_bytes, 's')))});
  }
  std::string block;
  while (block.size() < TlsTraffic::kKeyBlockBytesMax) block += static_cast<char>(block.size());
  for (const std::uint16_t number : {0xC02B, 0xC02C, 0xCCA9}) {
    all.push_back({*TlsTraffic::of_1_2(tls_cipher(number), span_of(block), true),
                   *TlsTraffic::of_1_2(tls_cipher(number), span_of(block), false)});
  }
  return all;
}

// The first record of `bytes`, opened, and off their front; nullopt: it is none, or not whole.
inline std::optional<TlsTraffic::Opened> take_record(TlsTraffic& traffic, std::span<char>& bytes) {
  if (bytes.size() < TlsTraffic::kHeaderBytes) return std::nullopt;
  const auto judged = traffic.record_bytes(bytes);
  const auto* const size = std::get_if<std::size_t>(&judged);
  if (size == nullptr || *size > bytes.size()) return std::nullopt;
  const auto opened = traffic.open(bytes.first(*size));
  bytes = bytes.subspan(*size);
  const auto* const record = std::get_if<TlsTraffic::Opened>(&opened);
  return record == nullptr ? std::nullopt : std::optional(*record);
}

}  // namespace bide::testing
