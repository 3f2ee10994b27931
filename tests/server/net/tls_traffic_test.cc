#include "server/net/tls_traffic.h"

#include <doctest/doctest.h>
#include <openssl/evp.h>

#include <new>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "tests/server/net/tls_suites.h"

namespace bide {
namespace {

using testing::span_of;
using testing::tls_cipher;
using Type = TlsTraffic::Type;

std::string bytes_of(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}
// Every cipher that bide agrees on, in either version.
std::vector<TlsTraffic> all_kinds() {
  std::vector<TlsTraffic> kinds;
  for (const TlsKeys& keys : testing::keys_of_every_suite()) kinds.push_back(keys.in);
  return kinds;
}

std::optional<TlsTraffic::Opened> opened(TlsTraffic& traffic, std::string& record) {
  std::span<char> bytes(record);
  return testing::take_record(traffic, bytes);
}
std::string sealed(TlsTraffic& traffic, Type type, std::string_view bytes) {
  std::string record;
  traffic.seal(type, bytes, record);
  return record;
}

}  // namespace

// Section 3 of RFC 8448 prints a whole connection.
TEST_CASE("tls_traffic: seals and opens as RFC 8448's example does") {
  const std::string secret =
      bytes_of("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5");
  std::string data;
  for (char c = 0; c < 50; ++c) data += c;
  const std::string expected = bytes_of(
      "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a2044"
      "1e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4");
  auto out = TlsTraffic::of_1_3(tls_cipher(0x1301), span_of(secret));
  REQUIRE(out);
  std::string record = sealed(*out, Type::kData, data);
  CHECK(record == expected);
  auto in = TlsTraffic::of_1_3(tls_cipher(0x1301), span_of(secret));
  const auto plain = opened(*in, record);
  REQUIRE(plain);
  CHECK(plain->type == Type::kData);
  CHECK(std::string(plain->bytes.data(), plain->bytes.size()) == data);
}

TEST_CASE("tls_traffic: what is sealed is opened, in order, with its type, of every size") {
  for (const TlsTraffic& kind : all_kinds()) {
    TlsTraffic out = kind;
    TlsTraffic in = kind;
    for (const std::size_t size :
         {0UL, 1UL, 15UL, 16UL, 17UL, 1000UL, TlsTraffic::kPlainBytesMax}) {
      for (const Type type : {Type::kData, Type::kAlert, Type::kHandshake}) {
        const std::string text(size, 'x');
        std::string record = sealed(out, type, text);
        const auto plain = opened(in, record);
        REQUIRE(plain);
        CHECK(plain->type == type);
        CHECK(std::string_view(plain->bytes.data(), plain->bytes.size()) == text);
      }
    }
  }
}

TEST_CASE("tls_traffic: a record that was touched, repeated or moved is not opened") {
  for (const TlsTraffic& kind : all_kinds()) {
    TlsTraffic out = kind;
    const std::string first = sealed(out, Type::kData, "one");
    const std::string second = sealed(out, Type::kData, "two");
    for (std::size_t i = 0; i < first.size(); ++i) {
      TlsTraffic in = kind;
      std::string forged = first;
      forged[i] = static_cast<char>(forged[i] ^ 1);
      CHECK_FALSE(opened(in, forged));
    }
    TlsTraffic in = kind;
    std::string record = second;
    CHECK_FALSE(opened(in, record));
    record = first;
    CHECK(opened(in, record));
    record = first;
    CHECK_FALSE(opened(in, record));
    record = second;
    CHECK(opened(in, record));
  }
}

TEST_CASE("tls_traffic: no record is too short, too long, or of another kind") {
  for (const TlsTraffic& kind : all_kinds()) {
    const auto judged = [&](unsigned char type, unsigned char major, std::size_t size) {
      const char header[] = {static_cast<char>(type), static_cast<char>(major), 3,
                             static_cast<char>(size >> 8), static_cast<char>(size)};
      return std::holds_alternative<std::size_t>(kind.record_bytes(header));
    };
    CHECK(judged(23, 3, 100));
    CHECK_FALSE(judged(23, 2, 100));
    CHECK_FALSE(judged(20, 3, 100));
    CHECK_FALSE(judged(24, 3, 100));
    CHECK(judged(21, 3, 100) == !kind.is_1_3());
    CHECK_FALSE(judged(23, 3, 15));
    CHECK(judged(23, 3, 16'384 + 256));
    CHECK_FALSE(judged(23, 3, 16'384 + 2049));
  }
}

TEST_CASE("tls_traffic: there are no new keys rather than such as everybody knows") {
  TlsTraffic traffic = all_kinds().front();
  REQUIRE(EVP_default_properties_enable_fips(nullptr, 1) == 1);  // Has no HMAC for us.
  CHECK_THROWS_AS(traffic.update(), std::bad_alloc);
  EVP_default_properties_enable_fips(nullptr, 0);
}

TEST_CASE("tls_traffic: both sides change keys together, and TLS 1.3's sender in time") {
  TlsTraffic out = all_kinds().front();
  TlsTraffic in = out;
  std::string record;
  while (!out.is_worn()) {
    record.clear();
    out.seal(Type::kData, "x", record);
  }
  CHECK(TlsTraffic::kRecordsPerKey < 1 << 24);
  for (int i = 0; i < 3; ++i) {
    out.update();
    CHECK_FALSE(out.is_worn());
    record = sealed(out, Type::kData, "new");
    TlsTraffic old = in;
    std::string copy = record;
    CHECK_FALSE(opened(old, copy));
    in.update();
    CHECK(opened(in, record));
  }
}

}  // namespace bide
