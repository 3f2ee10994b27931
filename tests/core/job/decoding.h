// tests/core/job/decoding.h: Values as workers write them, and the verdicts of the codec.
#pragma once

#include <doctest/doctest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <variant>

#include "core/job/entry_codec.h"

namespace bide::testing {

inline const std::string kEventKey = "status.build-7.started.web_01.1700000000000000001";
inline const std::string kEventValue =
    R"({"job_id":"build-7","event":"started","hostname":"web.01","timestamp":"2026-01-31T12:00:00Z",)"
    R"("unix_nano":1700000000000000002,"data":{"error":"boom","new_job_id":"build-8"}})";

inline std::variant<Entry, Rejection> decode_value(std::string_view key, std::string_view value) {
  return decode({.key = key, .value = value, .revision = 7, .written = {}});
}

// "accepted", or the word of the reject reason.
inline std::string_view verdict(std::string_view key, std::string_view value) {
  const auto result = decode_value(key, value);
  const auto* rejection = std::get_if<Rejection>(&result);
  return rejection == nullptr ? "accepted" : word_of(rejection->reason);
}

template <typename T>
T decoded(std::string_view key, std::string_view value) {
  const auto result = decode_value(key, value);
  REQUIRE(std::holds_alternative<Entry>(result));
  return std::get<T>(std::get<Entry>(result).what);
}

inline Definition definition_of(std::string_view value) {
  return decoded<Definition>("jobs.j", value);
}
inline Event event_of(std::string_view value) { return decoded<Event>(kEventKey, value); }
inline Response response_of(std::string_view value) {
  return decoded<Response>("responses.j.web_01.5", value);
}

inline std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

// {"name":json}, with `json` unchanged.
inline std::string object_with(std::string_view name, std::string_view json) {
  return "{\"" + std::string(name) + "\":" + std::string(json) + "}";
}

inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

inline std::string base64(std::string_view bytes) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = i; k < i + 3; ++k) {
      bits = bits << 8U | (k < bytes.size() ? static_cast<unsigned char>(bytes[k]) : 0U);
    }
    for (int shift = 18; shift >= 0; shift -= 6) out += digits[bits >> shift & 63U];
  }
  for (std::size_t k = 0; k < (3 - bytes.size() % 3) % 3; ++k) out[out.size() - 1 - k] = '=';
  return out;
}

inline std::string sealed(std::string_view value) {
  return R"({"payload":")" + base64(value) + R"(","signature":"c2ln","fingerprint":"ab:cd"})";
}

}  // namespace bide::testing
