#include "server/auth/jwt_authority.h"

#include <doctest/doctest.h>

#include <atomic>
#include <future>

#include "tests/server/auth/jwt_fixture.h"

using namespace bide;
using namespace bide::testing;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

std::string judged_claims(const JwtAuthority& authority, std::string_view claims,
                          WallTime now = kNow) {
  return judged(authority, hs256_token(kSecret, kHs256, claims), now);
}

Permit permit(const JwtAuthority& authority, const std::string& token) {
  const auto verdict = authority.judge(token, kNow);
  REQUIRE(std::holds_alternative<Permit>(verdict));
  return std::get<Permit>(verdict);
}

JwtSettings with_keys(std::filesystem::path file) { return {.key_file = std::move(file)}; }

}  // namespace

TEST_CASE("jwt: each algorithm permits what its key signed, again and again, until it expires") {
  const JwtFiles files;
  const JwtAuthority authority = files.authority();
  for (const std::string& token : good_tokens(reader_claims())) {
    CAPTURE(token);
    CHECK(judged(authority, token) == "permit");
    CHECK(permit(authority, token).expires == kNow + seconds(3600));
    CHECK(judged(authority, token, kNow + seconds(3600) - milliseconds(1)) == "permit");
    CHECK(judged(authority, token, kNow + seconds(3600)) == "expired");
    CHECK(judged(authority, token, kNow) == "permit");
  }
  CHECK(authority.files() == std::vector{files.secret, files.keys});
  CHECK(authority.notes().empty());
}

TEST_CASE("jwt: a client is a subject of an issuer, or else a token") {
  const JwtFiles files;
  const JwtAuthority authority = files.authority();
  const auto client = [&](std::string_view subject, std::string_view more) {
    const std::string claims =
        "{" + std::string(subject) + R"("role":"read","exp":1800003600)" + std::string(more) + "}";
    const auto tokens = good_tokens(claims);
    return permit(authority, tokens[more.size() % 4]).client;
  };
  const auto ci = client(R"("sub":"ci",)", "");
  CHECK(ci == client(R"("sub":"ci",)", R"(,"jti":"2")"));
  CHECK(ci == client(R"("sub":"c\u0069",)", R"(,"jti":"23")"));
  CHECK(ci != client(R"("sub":"cd",)", ""));
  CHECK(ci != client(R"("sub":"ci","iss":"a",)", ""));
  CHECK(client(R"("iss":"a","sub":"ab",)", "") != client(R"("iss":"aa","sub":"b",)", ""));
  CHECK(client("", R"(,"jti":"2")") == client("", R"(,"jti":"2")"));
  CHECK(client("", R"(,"jti":"2")") != client("", R"(,"jti":"3")"));
}

TEST_CASE("jwt: a client is the same after a reload, and another in another process") {
  const JwtFiles files;
  JwtAuthority authority = files.authority();
  const std::string token = hs256_token(kSecret, kHs256, reader_claims());
  const auto client = permit(authority, token).client;
  CHECK_FALSE(authority.reload());
  CHECK(permit(authority, token).client == client);
  CHECK(permit(files.authority(), token).client != client);
}

TEST_CASE("jwt: issuer and audience are checked where they are configured") {
  const JwtFiles files;
  const JwtAuthority any = files.authority();
  const JwtAuthority strict = files.authority("osapi", "bide");
  const std::pair<const char*, const char*> rows[] = {
      {R"(,"iss":"osapi","aud":"bide")", "permit"},
      {R"(,"iss":"osapi","aud":["x","bide"])", "permit"},
      {R"(,"iss":"osapi","aud":["x"])", "invalid"},
      {R"(,"iss":"osapi","aud":[])", "invalid"},
      {R"(,"iss":"osapi","aud":"bide x")", "invalid"},
      {R"(,"iss":"osapi")", "invalid"},
      {R"(,"iss":"osapi ","aud":"bide")", "invalid"},
      {R"(,"iss":"","aud":"bide")", "invalid"},
      {R"(,"aud":"bide")", "invalid"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.first);
    const auto& [more, expected] = row;
    CHECK(judged_claims(any, reader_claims(more)) == "permit");
    CHECK(judged_claims(strict, reader_claims(more)) == expected);
    // A token for another audience is invalid; that it has expired is not said.
    const std::string late = std::string(expected) == "permit" ? "expired" : "invalid";
    CHECK(judged_claims(strict, reader_claims(more), kNow + seconds(3600)) == late);
  }
}

TEST_CASE("jwt: not before is taken with five seconds of leeway, expiry with none") {
  const JwtFiles files;
  const JwtAuthority authority = files.authority();
  const std::string claims = reader_claims(R"(,"nbf":1800000100,"iat":1900000000)");
  CHECK(judged_claims(authority, claims, kNow + seconds(95) - milliseconds(1)) == "invalid");
  CHECK(judged_claims(authority, claims, kNow + seconds(95)) == "permit");
  CHECK(judged_claims(authority, reader_claims(R"(,"nbf":0)")) == "permit");
}

TEST_CASE("jwt: a token without the permission is forbidden, but only while it is valid") {
  const JwtFiles files;
  const JwtAuthority authority = files.authority();
  const std::string claims = R"({"sub":"ci","permissions":["job:cancel"],"exp":1800003600})";
  for (const std::string& token : good_tokens(claims))
    CHECK(judged(authority, token) == "forbidden");
  CHECK(judged_claims(authority, claims, kNow + seconds(3600)) == "expired");
  CHECK(judged(authority, hs256_token("another" + kSecret, kHs256, claims)) == "invalid");
}

TEST_CASE("jwt: of a secret one line end and a byte order mark are not part") {
  const ScratchDir dir;
  const std::filesystem::path file = dir.path() / "secret";
  const std::string secret(32, 'x');
  for (const auto& [text, real] :
       {std::pair(secret, secret), std::pair(secret + "\n", secret),
        std::pair(secret + "\n\n", secret + "\n"), std::pair(secret + "\r\n", secret),
        std::pair(secret + "\r", secret + "\r"),
        std::pair("\xEF\xBB\xBF" + secret + "\r\n", secret)}) {
    write_file(file, text);
    const JwtAuthority authority({.secret_file = file});
    CHECK(judged(authority, hs256_token(real, kHs256, reader_claims())) == "permit");
    CHECK(judged(authority, hs256_token(real + "\n", kHs256, reader_claims())) == "invalid");
    CHECK(authority.files() == std::vector{file});
  }
}

TEST_CASE("jwt: a secret that cannot be used is told, but not itself") {
  const ScratchDir dir;
  const std::filesystem::path file = dir.path() / "secret";
  const std::pair<std::string, std::string> rows[] = {
      {std::string(31, 's') + "\n", "a secret of 31 bytes; HS256 needs 32 at least"},
      {"", "a secret of 0 bytes"},
      {rsa_signer().public_pem(), "holds a key, not a secret"},
      {rsa_signer().private_pem(), "holds a key, not a secret"},
      {R"({"keys":[{)" + rsa_signer().jwk() + "}]}", "holds a key, not a secret"},
      {std::string((1 << 20) + 1, 's'), "cannot be read: larger than 1 MiB"},
  };
  for (const auto& [text, why] : rows) {
    write_file(file, text);
    const std::string trouble = start_trouble({.secret_file = file});
    CHECK(trouble.starts_with(file.string() + ": " + why));
    CHECK(trouble.find("sss") == std::string::npos);
  }
  CHECK(start_trouble({.secret_file = dir.path() / "none"}).find("cannot be read: No such file") !=
        std::string::npos);
  CHECK(start_trouble({}) == "neither a secret nor keys to verify tokens with are given");
}

TEST_CASE("jwt: a key set that cannot be used is told by file, and one in part by notes") {
  const ScratchDir dir;
  const std::filesystem::path file = dir.path() / "keys";
  write_file(file, " \n{\"keys\":[]}");
  CHECK(start_trouble(with_keys(file)) == file.string() + ": has no keys");
  write_file(file, "ssh-ed25519 AAAA");
  CHECK(start_trouble(with_keys(file)).starts_with(file.string() + ": holds no key; expected"));
  write_file(file, R"({"keys":[{"kty":"oct","k":"c2VjcmV0"},{)" + ed_signer().jwk() + "}]}");
  const JwtAuthority authority(with_keys(file));
  CHECK(authority.notes() ==
        std::vector<std::string>{file.string() + ": key 1 cannot be used: a secret (kty oct); give "
                                                 "it by --jwt-secret-file"});
  CHECK(judged(authority, signed_token(ed_signer(), kEdDsa, reader_claims())) == "permit");
}

TEST_CASE("jwt: a reload brings new keys and forgets the old, and on an error nothing changes") {
  const JwtFiles files;
  JwtAuthority authority = files.authority();
  const std::string old = hs256_token(kSecret, kHs256, reader_claims());
  const std::string rsa = signed_token(rsa_signer(), kRs256, reader_claims());
  CHECK(judged(authority, old) == "permit");
  const std::string next = "quite another secret, as long as that";
  replace_file(files.secret, next);
  write_file(files.keys, "half of a fi");
  CHECK(authority.reload()->starts_with(files.keys.string()));
  CHECK(judged(authority, old) == "permit");
  CHECK(judged(authority, rsa) == "permit");
  replace_file(files.keys, ed_signer().public_pem());
  CHECK_FALSE(authority.reload());
  CHECK(judged(authority, old) == "invalid");
  CHECK(judged(authority, rsa) == "invalid");
  CHECK(judged(authority, hs256_token(next, kHs256, reader_claims())) == "permit");
  CHECK(judged(authority, signed_token(ed_signer(), kEdDsa, reader_claims())) == "permit");
}

TEST_CASE("jwt: more tokens than are remembered are still judged right") {
  const JwtFiles files;
  const JwtAuthority authority = files.authority();
  std::size_t right = 0;
  for (int i = 0; i < 5000; ++i) {
    const std::string claims = reader_claims(R"(,"jti":)" + std::to_string(i));
    right += judged_claims(authority, claims) == "permit" ? 1 : 0;
  }
  CHECK(right == 5000);
  CHECK(judged_claims(authority, reader_claims(R"(,"jti":0)")) == "permit");
}

TEST_CASE("jwt: keys change during judging, and tokens of a key that stays are accepted") {
  const JwtFiles files;
  JwtAuthority authority = files.authority();
  const auto tokens = good_tokens(reader_claims());
  std::atomic<bool> over{false};
  const auto judge_all = [&] {
    std::size_t refused = 0;
    for (std::size_t i = 0; !over; ++i) {
      refused += judged(authority, tokens[i % 2 * 3]) == "permit" ? 0 : 1;
      static_cast<void>(judged(authority, tokens[1 + i % 2]));
    }
    return refused;
  };
  auto one = std::async(std::launch::async, judge_all);
  auto other = std::async(std::launch::async, judge_all);
  auto third = std::async(std::launch::async, [&] {
    std::size_t failed = 0;
    while (!over) failed += authority.reload() ? 1 : 0;
    return failed;
  });
  std::size_t failed = 0;
  for (int i = 0; i < 50; ++i) {
    replace_file(files.keys,
                 ed_signer().public_pem() + (i % 2 == 0 ? rsa_signer() : ec_signer()).public_pem());
    failed += authority.reload() ? 1 : 0;
  }
  over = true;
  CHECK(one.get() == 0);
  CHECK(other.get() == 0);
  CHECK(third.get() == 0);
  CHECK(failed == 0);
  CHECK(judged(authority, tokens[1]) == "invalid");
  CHECK(judged(authority, tokens[2]) == "permit");
}
