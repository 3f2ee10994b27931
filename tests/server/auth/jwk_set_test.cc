#include "server/auth/jwk_set.h"

#include <doctest/doctest.h>

#include "tests/server/auth/token_signer.h"

using namespace bide;
using namespace bide::testing;

namespace {

std::string set_of(std::string_view keys) { return R"({"keys":[)" + std::string(keys) + "]}"; }

// Puts a good key in front, so that an error of the second key is a note.
std::string note(std::string_view key) {
  const auto parsed = parse_jwk_set(set_of('{' + ed_signer().jwk() + "}," + std::string(key)));
  REQUIRE(std::holds_alternative<KeyRing>(parsed));
  const auto& ring = std::get<KeyRing>(parsed);
  REQUIRE(ring.keys.size() + ring.notes.size() == 2);
  const std::string head = "key 2 cannot be used: ";
  if (ring.notes.empty()) return "";
  REQUIRE(ring.notes[0].starts_with(head));
  return ring.notes[0].substr(head.size());
}

std::string trouble(std::string_view text) {
  const auto parsed = parse_jwk_set(text);
  return std::holds_alternative<std::string>(parsed) ? std::get<std::string>(parsed) : "";
}

std::string rsa_jwk(std::string_view n, std::string_view e) {
  return R"({"kty":"RSA","n":")" + encode_base64url(n) + R"(","e":")" + encode_base64url(e) +
         R"("})";
}

std::string ec_jwk(std::string_view x, std::string_view y) {
  return R"({"kty":"EC","crv":"P-256","x":")" + encode_base64url(x) + R"(","y":")" +
         encode_base64url(y) + R"("})";
}

std::string okp_jwk(std::string_view x) {
  return R"({"kty":"OKP","crv":"Ed25519","x":")" + encode_base64url(x) + R"("})";
}

}  // namespace

TEST_CASE("jwk set: keys of each kind, with their optional members") {
  const std::string more =
      R"(,"use":"sig","key_ops":["sign","verify"],"x5c":["?"],"x5u":7,"zz":{})";
  const auto parsed = parse_jwk_set(R"({"next":null,"keys":[{"kid":"r","alg":"RS256",)" +
                                    rsa_signer().jwk() + more + R"(},{"kid":"e","alg":"ES256",)" +
                                    ec_signer().jwk() + more + R"(},{"kid":"","alg":"EdDSA",)" +
                                    ed_signer().jwk() + more + "}, {" + rsa_signer().jwk() + "}]}");
  REQUIRE(std::holds_alternative<KeyRing>(parsed));
  const auto& ring = std::get<KeyRing>(parsed);
  CHECK(ring.notes.empty());
  REQUIRE(ring.keys.size() == 4);
  CHECK(ring.keys[0].name() == "r");
  CHECK(ring.keys[1].name() == "e");
  CHECK(ring.keys[2].name() == "");
  CHECK_FALSE(ring.keys[3].name());
  CHECK(ring.keys[0].verifies("text", rsa_signer().sign("text")));
  CHECK(ring.keys[1].verifies("text", ec_signer().sign("text")));
  CHECK(ring.keys[2].verifies("text", ed_signer().sign("text")));
  CHECK(ring.keys[3].algorithm() == SigningAlgorithm::kRs256);
}

TEST_CASE("jwk set: keys for something else are left out") {
  const std::string rsa = rsa_signer().jwk();
  const std::string ec = ec_signer().jwk();
  const std::pair<std::string, std::string> rows[] = {
      {"{" + rsa + R"(,"use":"enc"})", "its use is not sig"},
      {"{" + rsa + R"(,"use":null})", "its use is not sig"},
      {"{" + rsa + R"(,"key_ops":["sign"]})", "its key_ops have no verify"},
      {"{" + rsa + R"(,"key_ops":"verify"})", "its key_ops have no verify"},
      {"{" + rsa + R"(,"key_ops":[1,"verify"]})", "its key_ops have no verify"},
      {"{" + rsa + R"(,"alg":"RS512"})", "its alg is none"},
      {"{" + rsa + R"(,"alg":"HS256"})", "its alg is none"},
      {"{" + rsa + R"(,"alg":"none"})", "its alg is none"},
      {"{" + rsa + R"(,"alg":null})", "its alg is none"},
      {"{" + ec + R"(,"alg":"RS256"})", "its alg is none"},
      {"{" + rsa + R"(,"kid":7})", "its kid is not a string"},
      {"{" + rsa + R"(,"kid":null})", "its kid is not a string"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.first);
    const auto& [key, why] = row;
    CHECK(note(key).starts_with(why));
  }
}

TEST_CASE("jwk set: secrets are left out, and not told") {
  CHECK(note(R"({"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlYw","alg":"HS256"})") ==
        "a secret (kty oct); give it by --jwt-secret-file");
  for (const char* member : {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}) {
    const std::string key = "{" + rsa_signer().jwk() + ",\"" + member + "\":\"c2VjcmV0\"}";
    CHECK(note(key) == "a private key; publish its public part only");
  }
}

TEST_CASE("jwk set: keys of other kinds, or broken, are left out") {
  const std::string n(256, '\xFB');
  const std::string zero(32, '\0');
  const std::pair<std::string, std::string> rows[] = {
      {R"({"kty":"PQ"})", "its kty is none of RSA, EC, OKP"},
      {R"({"kty":"rsa"})", "its kty is none"},
      {R"({"kty":7})", "its kty is none"},
      {"{}", "its kty is none"},
      {"7", "not an object"},
      {"null", "not an object"},
      {"[]", "not an object"},
      {R"("key")", "not an object"},
      {R"({"kty":"oct","kty":"RSA"})", "one of its members stands twice"},
      {R"({"kty":"RSA"})", "n and e are not"},
      {R"({"kty":"RSA","n":"+++","e":"AQAB"})", "n and e are not"},
      {R"({"kty":"RSA","n":7,"e":"AQAB"})", "n and e are not"},
      {rsa_jwk("", ""), "RSA of 0 bits"},
      {rsa_jwk(std::string(128, '\xFB'), "\x01"), "RSA of 1024 bits; expected 2048 to 8192"},
      {rsa_jwk(std::string(1, '\0') + std::string(255, '\xFB'), "\x03"), "RSA of 2040 bits"},
      {rsa_jwk(std::string(1025, '\xFB'), "\x03"), "RSA of 8200 bits"},
      {rsa_jwk(std::string(5000, '\xFB'), "\x03"), "n and e are not"},
      {rsa_jwk(n, "\x01"), "its RSA numbers are not a public key"},
      {rsa_jwk(n, "\x02"), "its RSA numbers are not a public key"},
      {rsa_jwk(n, std::string(1, '\0')), "its RSA numbers are not a public key"},
      {rsa_jwk(std::string(255, '\xFB') + '\x02', "\x03"), "its RSA numbers are not"},
      {R"({"kty":"EC"})", "a curve other than P-256"},
      {R"({"kty":"EC","crv":"P-384","x":"","y":""})", "a curve other than P-256"},
      {R"({"kty":"EC","crv":"secp256k1"})", "a curve other than P-256"},
      {R"({"kty":"EC","crv":"P-256"})", "x and y are not a point"},
      {ec_jwk(zero, zero), "x and y are not a point"},
      {ec_jwk(std::string(32, '\x01'), std::string(32, '\x02')), "x and y are not a point"},
      {ec_jwk(std::string(31, '\x01'), std::string(32, '\x02')), "x and y are not a point"},
      {R"({"kty":"OKP","crv":"X25519","x":""})", "a curve other than Ed25519"},
      {R"({"kty":"OKP","crv":"Ed448","x":""})", "a curve other than Ed25519"},
      {okp_jwk(""), "x is not an Ed25519 public key"},
      {okp_jwk(std::string(31, 'x')), "x is not an Ed25519 public key"},
      {okp_jwk(std::string(33, 'x')), "x is not an Ed25519 public key"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.first.substr(0, 100));
    CAPTURE(row.second);
    const auto& [key, why] = row;
    CHECK(note(key).starts_with(why));
  }
}

TEST_CASE("jwk set: one key of use is needed, 32 are the limit") {
  CHECK(trouble(set_of("")) == "has no keys");
  CHECK(trouble(set_of(R"({"kty":"X"},{"kty":"oct"})")) ==
        "has no key of use; key 1 cannot be used: its kty is none of RSA, EC, OKP");
  std::string keys = R"({"kty":"X"})";
  for (int i = 0; i < 32; ++i) keys += ",{" + ed_signer().jwk() + "}";
  CHECK(trouble(set_of(keys)) == "");
  CHECK(
      trouble(set_of(keys + ",{" + ed_signer().jwk() + "}")).starts_with("has more than 32 keys"));
  std::string many = "{" + ed_signer().jwk() + "}";
  for (int i = 0; i < 1000; ++i) many += ",{}";
  CHECK(trouble(set_of(many)).starts_with("has more than 1000 keys"));
}

TEST_CASE("jwk set: other texts, and each beginning of a set") {
  const std::string whole = set_of("{" + ec_signer().jwk() + "}");
  for (const std::string& text :
       {std::string(), std::string("{}"), std::string("[]"), std::string("null"),
        "{" + ec_signer().jwk() + "}", "[{" + ec_signer().jwk() + "}]",
        std::string(R"({"keys":{}})"), std::string(R"({"keys":"[]"})"), whole + "x",
        whole + std::string(1, '\0'), std::string(R"({"keys":[],"keys":[]})"),
        R"({"keys":)" + std::string(500'000, '[') + std::string(500'000, ']') + "}",
        std::string(1'000'000, '[')}) {
    CAPTURE(text.substr(0, 60));
    CHECK(trouble(text).starts_with("is not a JWK set; expected one JSON object"));
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CHECK(trouble(whole.substr(0, size)) != "");
  }
}
