#include "server/auth/pem_keys.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/server/auth/token_signer.h"

using namespace bide;
using namespace bide::testing;

namespace {

std::string trouble(std::string_view text) {
  const auto parsed = parse_pem_keys(text);
  return std::holds_alternative<std::string>(parsed) ? std::get<std::string>(parsed) : "";
}

std::vector<VerificationKey> keys(std::string_view text) {
  auto parsed = parse_pem_keys(text);
  REQUIRE(std::holds_alternative<KeyRing>(parsed));
  return std::get<KeyRing>(std::move(parsed)).keys;
}

std::string with_crlf(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? std::string("\r\n") : std::string(1, c);
  return out;
}

}  // namespace

TEST_CASE("pem keys: public keys and certificates, several of them, with text around") {
  const std::string text = "for CI:\n" + rsa_signer().public_pem() + "\n# next\n" +
                           with_crlf(ec_signer().public_pem()) + rsa_signer().rsa_public_pem() +
                           ed_signer().public_pem() + ec_signer().certificate_pem() +
                           ed_signer().certificate_pem() + rsa_signer().certificate_pem();
  const auto parsed = keys(text);
  REQUIRE(parsed.size() == 7);
  const Signer* const signers[] = {&rsa_signer(), &ec_signer(), &rsa_signer(), &ed_signer(),
                                   &ec_signer(),  &ed_signer(), &rsa_signer()};
  for (std::size_t i = 0; i < parsed.size(); ++i) {
    CHECK(parsed[i].verifies("text", signers[i]->sign("text")));
    CHECK_FALSE(parsed[i].verifies("texT", signers[i]->sign("text")));
    CHECK_FALSE(parsed[i].name());
  }
}

TEST_CASE("pem keys: the error names the line and the kind of an unusable key") {
  const std::string good = ed_signer().public_pem();  // Three lines.
  const std::pair<std::string, std::string> rows[] = {
      {Signer::rsa(1024).public_pem(), "RSA of 1024 bits; expected 2048 to 8192"},
      {Signer::ec("P-384").public_pem(), "EC on the curve secp384r1; expected P-256"},
      {Signer::ec("secp256k1").public_pem(), "EC on the curve secp256k1; expected P-256"},
      {Signer::of_kind("ED448").public_pem(), "of the kind ED448; expected RSA, EC on P-256"},
      {Signer::of_kind("X25519").public_pem(), "of the kind X25519; expected RSA"},
      {Signer::of_kind("RSA-PSS").public_pem(), "of the kind RSA-PSS; expected RSA"},
      {rsa_signer().private_pem(), "a private key, which bide must not have; give the public one"},
      {ec_signer().private_pem(), "a private key"},
      {"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
       "a PEM block of another kind; expected PUBLIC KEY"},
      {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
       "a PUBLIC KEY that OpenSSL cannot decode"},
      {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
       "a CERTIFICATE that OpenSSL cannot decode"},
      {"-----BEGIN PUBLIC KEY-----\n", "a PEM block that cannot be read; is all of it there?"},
      {good.substr(0, 60), "a PEM block that cannot be read"},
      {"-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n", "a PEM block that cannot"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.second);
    const auto& [bad, why] = row;
    CHECK(trouble(std::string(good).append("\n").append(bad).append(good))
              .starts_with("line 5: " + why));
  }
  for (const char* text : {"", "\n", "not a key", "BEGIN PUBLIC KEY", "-----END PUBLIC KEY-----"}) {
    CHECK(trouble(text) == "holds no key; expected public keys as PEM, or a JWK set");
  }
}

TEST_CASE("pem keys: each beginning of a file is an error or all the keys of it") {
  const std::string text = rsa_signer().public_pem() + ed_signer().public_pem();
  const std::size_t first = rsa_signer().public_pem().size();
  std::size_t wrong = 0;
  for (std::size_t size = 0; size < text.size(); ++size) {
    const bool is_whole = size + 1 >= first && size < first + std::string("-----BEGIN ").size();
    const bool taken = trouble(text.substr(0, size)).empty();
    if (taken != (is_whole || size + 1 == text.size())) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("pem keys: bytes behind a key are an error") {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(ed_signer().key(), &der);
  REQUIRE(size > 0);
  std::string bytes(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  const auto pem_of = [](const std::string& content) {
    return "-----BEGIN PUBLIC KEY-----\n" + encode_base64(content) + "\n-----END PUBLIC KEY-----\n";
  };
  CHECK(trouble(pem_of(bytes)).empty());
  CHECK(trouble(pem_of(bytes + '\0')) == "line 1: a PUBLIC KEY that OpenSSL cannot decode");
}

TEST_CASE("pem keys: 32 are the limit") {
  std::string text;
  for (int i = 0; i < 32; ++i) text += ed_signer().public_pem();
  CHECK(keys(text).size() == 32);
  CHECK(trouble(text + ed_signer().public_pem()) ==
        "line 97: more than 32 keys; take out old ones");
}
