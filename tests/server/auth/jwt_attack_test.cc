// Tokens that an attacker without a key, or with another key, might send.
#include <doctest/doctest.h>

#include <algorithm>
#include <tuple>

#include "tests/server/auth/jwt_fixture.h"

using namespace bide;
using namespace bide::testing;

namespace {

std::string flipped(std::string text, std::size_t bit) {
  text[bit / 8] = static_cast<char>(text[bit / 8] ^ 1 << bit % 8);
  return text;
}

std::string signature_of(const std::string& token) { return token.substr(token.rfind('.') + 1); }
std::string signed_text_of(const std::string& token) { return token.substr(0, token.rfind('.')); }

std::string with_signature(const std::string& token, std::string_view signature) {
  return signed_text_of(token) + '.' + encode_base64url(signature);
}

}  // namespace

TEST_CASE("jwt attack: each flipped bit of a token, and each of its beginnings, is refused") {
  const JwtFiles files;
  const JwtAuthority authority = files.authority();
  for (const std::string& token : good_tokens(reader_claims())) {
    REQUIRE(judged(authority, token) == "permit");
    std::size_t refused = 0;
    for (std::size_t bit = 0; bit < token.size() * 8; ++bit) {
      refused += judged(authority, flipped(token, bit)) == "invalid" ? 1 : 0;
    }
    CHECK(refused == token.size() * 8);
    refused = 0;
    for (std::size_t size = 0; size < token.size(); ++size) {
      refused += judged(authority, token.substr(0, size)) == "invalid" ? 1 : 0;
      refused += judged(authority, token.substr(size + 1)) == "invalid" ? 1 : 0;
    }
    CHECK(refused == token.size() * 2);
  }
}

TEST_CASE("jwt attack: each flipped bit of a signature is refused") {
  const JwtFiles files;
  const JwtAuthority authority = files.authority();
  for (const std::string& token : good_tokens(reader_claims())) {
    const std::string signature = *decode_base64url(signature_of(token));
    std::size_t refused = 0;
    for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
      const std::string other = with_signature(token, flipped(signature, bit));
      refused += judged(authority, other) == "invalid" ? 1 : 0;
    }
    CHECK(refused == signature.size() * 8);
  }
}

TEST_CASE("jwt attack: no signature, or one of another size or out of range") {
  const JwtFiles files;
  const JwtAuthority authority = files.authority();
  const std::string order =  // Of P-256.
      "\xFF\xFF\xFF\xFF" + std::string(4, '\0') + std::string(8, '\xFF') +
      "\xBC\xE6\xFA\xAD\xA7\x17\x9E\x84\xF3\xB9\xCA\xC2\xFC\x63\x25\x51";
  REQUIRE(order.size() == 32);
  const std::string zero(32, '\0');
  const std::string one = std::string(31, '\0') + '\x01';
  for (const std::string& token : good_tokens(reader_claims())) {
    const std::string signature = *decode_base64url(signature_of(token));
    std::vector<std::string> bad = {"",
                                    zero,
                                    zero + zero,
                                    zero + one,
                                    one + zero,
                                    order + one,
                                    one + order,
                                    order + order,
                                    order + zero,
                                    std::string(64, '\xFF'),
                                    std::string(256, '\0'),
                                    std::string(255, '\0') + '\x01',
                                    signature + '\0',
                                    '\0' + signature,
                                    signature + signature};
    for (const std::string& other : bad) {
      CHECK(judged(authority, with_signature(token, other)) == "invalid");
    }
  }
}

TEST_CASE("jwt attack: an ES256 signature in DER is none") {
  const JwtFiles files;
  const JwtAuthority authority = files.authority();
  const std::string text = unsigned_token(kEs256, reader_claims());
  const std::string der = ec_signer().sign_with(EVP_sha256(), text);
  CHECK(judged(authority, text + '.' + encode_base64url(der)) == "invalid");
}

TEST_CASE("jwt attack: no algorithm, in all spellings, whatever the signature") {
  const JwtFiles files;
  const JwtAuthority authority = files.authority();
  for (const char* algorithm : {R"("none")",
                                R"("None")",
                                R"("NONE")",
                                R"("nOnE")",
                                R"("")",
                                R"(" none")",
                                R"("none ")",
                                R"("HS256 ")",
                                R"("hs256")",
                                R"("HS384")",
                                R"("HS512")",
                                R"("RS1")",
                                R"("RS384")",
                                R"("PS256")",
                                R"("ES384")",
                                R"("ES256K")",
                                R"("eddsa")",
                                R"("Ed448")",
                                R"("dir")",
                                "null",
                                "0",
                                "false",
                                "[]",
                                R"(["HS256"])",
                                R"({"HS256":1})",
                                R"("HS256\u0000")",
                                R"("none\u0000HS256")"}) {
    CAPTURE(algorithm);
    const std::string header = R"({"alg":)" + std::string(algorithm) + "}";
    CHECK(judged(authority, unsigned_token(header, reader_claims()) + ".") == "invalid");
    CHECK(judged(authority, unsigned_token(header, reader_claims())) == "invalid");
    CHECK(judged(authority, hs256_token(kSecret, header, reader_claims())) == "invalid");
    CHECK(judged(authority, hs256_token("", header, reader_claims())) == "invalid");
    CHECK(judged(authority, signed_token(rsa_signer(), header, reader_claims())) == "invalid");
  }
  CHECK(judged(authority, hs256_token(kSecret, "{}", reader_claims())) == "invalid");
  CHECK(judged(authority, hs256_token(kSecret, R"({"alg":"\u0048S256"})", reader_claims())) ==
        "permit");
}

TEST_CASE("jwt attack: a public key is no secret, and no key verifies another algorithm") {
  const JwtFiles files;
  for (const bool with_secret : {false, true}) {
    const JwtAuthority authority(
        {.secret_file = with_secret ? std::optional(files.secret) : std::nullopt,
         .key_file = files.keys});
    for (const Signer* signer : {&rsa_signer(), &ec_signer(), &ed_signer()}) {
      const std::string pem = signer->public_pem();
      for (const std::string& secret :
           {pem, pem.substr(0, pem.size() - 1), signer->jwk(), '{' + signer->jwk() + '}',
            std::string(), std::string(32, '\0')}) {
        CHECK(judged(authority, hs256_token(secret, kHs256, reader_claims())) == "invalid");
      }
      for (const std::string& header : {kHs256, kRs256, kEs256, kEdDsa}) {
        const bool own = (signer == &rsa_signer() && header == kRs256) ||
                         (signer == &ec_signer() && header == kEs256) ||
                         (signer == &ed_signer() && header == kEdDsa);
        CHECK(judged(authority, signed_token(*signer, header, reader_claims())) ==
              (own ? "permit" : "invalid"));
      }
    }
  }
}

TEST_CASE("jwt attack: another's key of the same kind") {
  const JwtFiles files;
  const JwtAuthority authority = files.authority();
  CHECK(judged(authority, signed_token(Signer::rsa(2048), kRs256, reader_claims())) == "invalid");
  CHECK(judged(authority, signed_token(Signer::ec("P-256"), kEs256, reader_claims())) == "invalid");
  CHECK(judged(authority, signed_token(Signer::of_kind("ED25519"), kEdDsa, reader_claims())) ==
        "invalid");
}

TEST_CASE("jwt attack: RSA with other padding or another hash") {
  const JwtFiles files;
  const JwtAuthority authority = files.authority();
  const std::string text = unsigned_token(kRs256, reader_claims());
  for (const EVP_MD* hash : {EVP_sha1(), EVP_sha384(), EVP_sha512()}) {
    CHECK(judged(authority, text + '.' + encode_base64url(rsa_signer().sign_with(hash, text))) ==
          "invalid");
  }
  const EvpMdCtxPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* key = nullptr;
  REQUIRE(EVP_DigestSignInit(context.get(), &key, EVP_sha256(), nullptr, rsa_signer().key()) == 1);
  REQUIRE(EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING) == 1);
  std::string pss(256, '\0');
  std::size_t size = pss.size();
  REQUIRE(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(pss.data()), &size,
                         bytes_of(text), text.size()) == 1);
  CHECK(judged(authority, text + '.' + encode_base64url(pss)) == "invalid");
}

TEST_CASE("jwt attack: keys that a token brings along or points to are not looked at") {
  const JwtFiles files;
  const JwtAuthority authority = files.authority();
  const Signer mine = Signer::rsa(2048);
  const std::string bait = R"(,"jwk":{)" + mine.jwk() +
                           R"(},"jku":"http://127.0.0.1:1/keys","x5u":"http://127.0.0.1:1/c",)"
                           R"("x5c":["MIIB"],"kid":"../../../../dev/null"})";
  const std::string header = kRs256.substr(0, kRs256.size() - 1) + bait;
  CHECK(judged(authority, signed_token(mine, header, reader_claims())) == "invalid");
  CHECK(judged(authority, signed_token(rsa_signer(), header, reader_claims())) == "permit");
}

TEST_CASE("jwt attack: critical extensions are refused, whatever they are") {
  const JwtFiles files;
  const JwtAuthority authority = files.authority();
  for (const char* crit :
       {R"(["b64"],"b64":false)", R"(["exp"])", "[]", "null", R"("alg")", "{}"}) {
    const std::string header = R"({"alg":"HS256","crit":)" + std::string(crit) + "}";
    CHECK(judged(authority, hs256_token(kSecret, header, reader_claims())) == "invalid");
  }
}

TEST_CASE("jwt attack: a key's name selects, and selects only") {
  const ScratchDir dir;
  const std::filesystem::path file = dir.path() / "keys.json";
  const Signer second = Signer::of_kind("ED25519");
  const Signer nameless = Signer::of_kind("ED25519");
  write_file(file, R"({"keys":[{"kid":"a",)" + ed_signer().jwk() + R"(},{"kid":"b",)" +
                       second.jwk() + R"(},{"kid":"a",)" + ec_signer().jwk() + "}]}");
  const auto header = [](const char* algorithm, const char* kid) {
    return R"({"alg":")" + std::string(algorithm) + R"(","kid":)" + kid + "}";
  };
  const JwtAuthority authority({.key_file = file});
  const std::tuple<const Signer*, std::string, const char*> rows[] = {
      {&ed_signer(), header("EdDSA", R"("a")"), "permit"},
      {&second, header("EdDSA", R"("b")"), "permit"},
      {&ec_signer(), header("ES256", R"("a")"), "permit"},
      {&ed_signer(), header("EdDSA", R"("b")"), "invalid"},
      {&second, header("EdDSA", R"("a")"), "invalid"},
      {&ec_signer(), header("ES256", R"("b")"), "invalid"},
      {&ec_signer(), header("EdDSA", R"("a")"), "invalid"},
      {&ed_signer(), header("EdDSA", R"("c")"), "invalid"},
      {&ed_signer(), header("EdDSA", R"("")"), "invalid"},
      {&ed_signer(), header("EdDSA", R"("a\u0000")"), "invalid"},
      {&ed_signer(), header("EdDSA", "null"), "invalid"},
      {&ed_signer(), header("EdDSA", R"(["a"])"), "invalid"},
      {&ed_signer(), header("EdDSA", "1"), "invalid"},
      {&ed_signer(), kEdDsa, "permit"},
      {&second, kEdDsa, "permit"},
      {&nameless, kEdDsa, "invalid"},
      {&nameless, header("EdDSA", R"("a")"), "invalid"},
  };
  for (const auto& row : rows) {
    CAPTURE(std::get<1>(row));
    const auto& [signer, head, expected] = row;
    CHECK(judged(authority, signed_token(*signer, head, reader_claims())) == expected);
  }
  write_file(file, R"({"keys":[{)" + nameless.jwk() + "}]}");
  const JwtAuthority unnamed({.key_file = file});
  CHECK(judged(unnamed, signed_token(nameless, header("EdDSA", R"("a")"), reader_claims())) ==
        "permit");
}
