#include "core/base/base64.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <utility>

namespace bide {

TEST_CASE("base64: the examples of RFC 4648 section 10, both ways") {
  const std::pair<const char*, const char*> examples[] = {{"", ""},
                                                          {"f", "Zg=="},
                                                          {"fo", "Zm8="},
                                                          {"foo", "Zm9v"},
                                                          {"foob", "Zm9vYg=="},
                                                          {"fooba", "Zm9vYmE="},
                                                          {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : examples) {
    CHECK(encode_base64(bytes) == text);
    CHECK(decode_base64(text) == bytes);
  }
}

TEST_CASE("base64: random bytes come back, and each digit is used") {
  std::mt19937 random(7);
  std::string digits;
  for (std::size_t length = 0; length < 100; ++length) {
    std::string bytes;
    while (bytes.size() < length) bytes += static_cast<char>(random());
    const std::string text = encode_base64(bytes);
    CHECK(text.size() == (length + 2) / 3 * 4);
    CHECK(decode_base64(text) == bytes);
    digits += text;
  }
  for (const char digit : std::string_view("AZaz09+/=")) CHECK(digits.find(digit) != digits.npos);
}

TEST_CASE("base64: one text for each value, all others are refused") {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Z===", "=",
                           "====", "Zg==Zg==", "Zm9v\n", " Zm9v", "Zm9-", "Zm_v", "Z=9v"}) {
    CAPTURE(text);
    CHECK_FALSE(decode_base64(text));
  }
}

TEST_CASE("base64: safe in URLs it has another alphabet and no padding") {
  for (std::size_t length = 0; length < 100; ++length) {
    const std::string bytes(length, '\xFB');
    std::string text = encode_base64(bytes);
    text.erase(std::min(text.find('='), text.size()));
    for (char& digit : text) digit = digit == '+' ? '-' : digit == '/' ? '_' : digit;
    CHECK(encode_base64url(bytes) == text);
    CHECK(decode_base64url(text) == bytes);
  }
  for (const char* text :
       {"Zg==", "Zh", "Zm9", "Z", "A", "Zm9vZ", "Zm9v=", "+_", "Zm9v ", "Zm9v\n"}) {
    CAPTURE(text);
    CHECK_FALSE(decode_base64url(text));
  }
}

TEST_CASE("base64: base32 by the examples of RFC 4648 section 10, without their padding") {
  const std::pair<const char*, const char*> examples[] = {{"", ""},
                                                          {"f", "MY"},
                                                          {"fo", "MZXQ"},
                                                          {"foo", "MZXW6"},
                                                          {"foob", "MZXW6YQ"},
                                                          {"fooba", "MZXW6YTB"},
                                                          {"foobar", "MZXW6YTBOI"}};
  for (const auto& [bytes, text] : examples) {
    CHECK(encode_base32(bytes) == text);
    CHECK(decode_base32(text) == bytes);
  }
  for (const char* text :
       {"M", "A", "MYA", "MZ", "MZX", "MZXW6Y", "my", "MY======", "M1", "M8", "MY\n"}) {
    CAPTURE(text);
    CHECK_FALSE(decode_base32(text));
  }
}

}  // namespace bide
