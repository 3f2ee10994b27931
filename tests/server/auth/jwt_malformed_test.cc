// Texts that are no tokens, and tokens with nonsense in them, signed and unsigned.
#include <doctest/doctest.h>

#include "tests/server/auth/jwt_fixture.h"

using namespace bide;
using namespace bide::testing;

TEST_CASE("jwt malformed: members that stand twice, in the header or the claims") {
  const JwtFiles files;
  const JwtAuthority authority = files.authority();
  for (const char* header :
       {R"({"alg":"HS256","alg":"HS256"})", R"({"alg":"none","alg":"HS256"})",
        R"({"alg":"HS256","\u0061lg":"none"})", R"({"alg":"HS256","x":1,"x":1})"}) {
    CHECK(judged(authority, hs256_token(kSecret, header, reader_claims())) == "invalid");
  }
  for (const char* more : {R"(,"exp":1800003600)", R"(,"\u0065xp":1)", R"(,"x":1,"x":2)",
                           R"(,"permissions":[])", R"(,"sub":"root")"}) {
    CHECK(judged(authority, hs256_token(kSecret, kHs256, reader_claims(more))) == "invalid");
  }
}

TEST_CASE("jwt malformed: padding, blanks, dots and other stray characters") {
  const JwtFiles files;
  const JwtAuthority authority = files.authority();
  for (const std::string& token : good_tokens(reader_claims())) {
    const std::string text = token.substr(0, token.rfind('.'));
    const std::string signature = token.substr(token.rfind('.') + 1);
    for (const char* between : {"", "..", "=.", "==.", ". ", " .", "\n.", ".\n", ".#", ","}) {
      CHECK(judged(authority, std::string(text).append(between).append(signature)) == "invalid");
      CHECK(judged(authority, std::string(token).append(between).append(signature)) == "invalid");
      CHECK(judged(authority, std::string(token).append(between).append(token)) == "invalid");
    }
    for (const char* behind : {".", "=", "==", " ", "\n", "\r\n", "A", "AA", "AAA", "AAAA", "#"}) {
      CHECK(judged(authority, token + behind) == "invalid");
      CHECK(judged(authority, behind + token) == "invalid");
    }
    CHECK(judged(authority, token + '\0') == "invalid");
    CHECK(judged(authority, '\0' + token) == "invalid");
    CHECK(judged(authority, text + '.') == "invalid");
    CHECK(judged(authority, '.' + signature) == "invalid");
    CHECK(judged(authority, ".." + signature) == "invalid");
    CHECK(judged(authority, "Bearer " + token) == "invalid");
  }
  for (const char* token :
       {"", ".", "..", "...", "....", "e30.e30.", "e30..", "..e30", "a", "a.b.c"}) {
    CHECK(judged(authority, token) == "invalid");
  }
}

TEST_CASE("jwt malformed: claims that are signed and yet make no sense") {
  const JwtFiles files;
  const JwtAuthority authority = files.authority();
  const std::string deep = std::string(2500, '[') + std::string(2500, ']');
  for (const std::string& claims : {std::string(),
                                    std::string("null"),
                                    std::string("[]"),
                                    std::string("\"\""),
                                    std::string("{}"),
                                    std::string("{\"exp\":1800003600"),
                                    reader_claims() + "x",
                                    reader_claims() + std::string(1, '\0'),
                                    "\xEF\xBB\xBF" + reader_claims(),
                                    reader_claims(",\"x\":\"\xFF\""),
                                    reader_claims(",\"x\":" + deep),
                                    deep,
                                    std::string(5000, '['),
                                    std::string(5000, '{'),
                                    reader_claims(",\"x\":NaN"),
                                    reader_claims(",\"x\":Infinity"),
                                    reader_claims(",\"x\":01"),
                                    reader_claims(R"(,"iss":7)"),
                                    reader_claims(R"(,"iss":null)"),
                                    reader_claims(R"(,"aud":7)"),
                                    reader_claims(R"(,"aud":[7])"),
                                    reader_claims(R"(,"aud":{"bide":1})"),
                                    reader_claims(R"(,"nbf":"1")"),
                                    reader_claims(R"(,"nbf":null)"),
                                    reader_claims(R"(,"nbf":-1)"),
                                    reader_claims(R"(,"nbf":1e300)")}) {
    CAPTURE(claims.substr(0, 100));
    CHECK(judged(authority, hs256_token(kSecret, kHs256, claims)) == "invalid");
  }
  // Unusual, but valid JSON (RFC 8259 section 8.2), in a claim that bide does not use.
  CHECK(judged(authority, hs256_token(kSecret, kHs256, reader_claims(R"(,"x":"\ud800")"))) ==
        "permit");
}

TEST_CASE("jwt malformed: deep and large texts, without a signature and with one") {
  const JwtFiles files;
  const JwtAuthority authority = files.authority();
  for (const char* opening : {"[", "{\"a\":", "\"", "{\"alg\":["}) {
    std::string deep;
    while (deep.size() < 65'536) deep += opening;
    CHECK(judged(authority, unsigned_token(deep, deep) + ".") == "invalid");
    CHECK(judged(authority, hs256_token(kSecret, deep.substr(0, 5000), "{}")) == "invalid");
    CHECK(judged(authority, hs256_token(kSecret, kHs256, deep.substr(0, 5000))) == "invalid");
  }
  CHECK(judged(authority, std::string(1'000'000, '.')) == "invalid");
  CHECK(judged(authority, std::string(8192, '.')) == "invalid");
  CHECK(judged(authority, std::string(8192, 'A')) == "invalid");
}

TEST_CASE("jwt malformed: 8192 bytes are a token, one more is none") {
  const JwtFiles files;
  const JwtAuthority authority = files.authority();
  std::string largest;
  for (std::size_t filling = 6000; filling < 6200; ++filling) {
    const std::string more = R"(,"x":")" + std::string(filling, 'x') + '"';
    const std::string token = hs256_token(kSecret, kHs256, reader_claims(more));
    CHECK(judged(authority, token) == (token.size() <= 8192 ? "permit" : "invalid"));
    if (token.size() <= 8192) largest = token;
  }
  CHECK(largest.size() >= 8190);
}
