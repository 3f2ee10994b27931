#include "server/auth/token_claims.h"

#include <doctest/doctest.h>

#include <utility>

using namespace bide;
using std::chrono::nanoseconds;
using std::chrono::seconds;

namespace {

constexpr WallTime kNone = WallTime::min();

WallTime expiry(const std::string& number) {
  const auto claims = TokenClaims::parse(R"({"exp":)" + number + "}");
  return claims ? claims->expires : kNone;
}

bool reads(const std::string& member) {
  const auto claims = TokenClaims::parse(R"({"exp":1,)" + member + "}");
  REQUIRE(claims);
  return claims->reads_jobs;
}

}  // namespace

TEST_CASE("token claims: who may write, and which jobs") {
  const auto parsed = [](const std::string& member) {
    const auto claims = TokenClaims::parse(R"({"exp":1,)" + member + "}");
    REQUIRE(claims);
    return *claims;
  };
  struct Row {
    const char* member;
    bool reads, writes;
  };
  for (const Row& row : {Row{R"("permissions":["job:read","job:write"])", true, true},
                         {R"("permissions":["job:write"])", false, true},
                         {R"("scope":"job:read job:write")", true, true},
                         {R"("scope":"job:writer")", false, false},
                         {R"("scp":["job:write"])", false, true},
                         {R"("scope":"job:read","permissions":["job:write"])", true, true},
                         {R"("roles":["admin"])", true, true},
                         {R"("role":"write")", true, true},
                         {R"("roles":["read"])", true, false},
                         {R"("roles":["admin"],"scope":"job:read")", true, false},
                         {R"("roles":["write"],"permissions":[])", false, false}}) {
    CAPTURE(row.member);
    CHECK(parsed(row.member).reads_jobs == row.reads);
    CHECK(parsed(row.member).writes_jobs == row.writes);
  }
  CHECK_FALSE(parsed(R"("sub":"x")").jobs);
  CHECK(parsed(R"("bide_jobs":["a","own-*","*"])").jobs->size() == 3);
  for (const char* const wrong :
       {R"("bide_jobs":"a")", R"("bide_jobs":["a",1])", R"("bide_jobs":["a.b*"])",
        R"("bide_jobs":null)", R"("bide_jobs":["a*b"])", R"("bide_jobs":[""])",
        R"("bide_jobs":{})"}) {
    CAPTURE(wrong);
    CHECK(parsed(wrong).jobs == std::vector<std::string>());
  }
}

TEST_CASE("token claims: exp is a number of seconds, with a fraction or without") {
  const std::pair<const char*, WallTime> rows[] = {
      {"0", WallTime{}},
      {"1", WallTime(seconds(1))},
      {"-0", WallTime{}},
      {"1800000000", WallTime(seconds(1'800'000'000))},
      {"1800000000.5", WallTime(seconds(1'800'000'000) + nanoseconds(500'000'000))},
      {"18e8", WallTime(seconds(1'800'000'000))},
      {"1.8E+9", WallTime(seconds(1'800'000'000))},
      {"9223372035", WallTime(seconds(9'223'372'035))},
      {"9223372036", WallTime::max()},
      {"253402300799", WallTime::max()},
  };
  for (const auto& row : rows) {
    CAPTURE(row.first);
    const auto& [number, expected] = row;
    CHECK(expiry(number) == expected);
  }
}

TEST_CASE("token claims: an exp that is none") {
  for (const std::string& number : {std::string("253402300800"),
                                    std::string("1e12"),
                                    std::string("1e308"),
                                    std::string("1e309"),
                                    std::string("1e999999999999"),
                                    std::string("9223372036854775808"),
                                    std::string("18446744073709551616"),
                                    "1" + std::string(5000, '0'),
                                    "0." + std::string(4000, '0') + "1e-2147483639",
                                    std::string("-1"),
                                    std::string("-1e-300"),
                                    std::string("-1e308"),
                                    std::string("1e-99999"),
                                    std::string("\"1800000000\""),
                                    std::string("null"),
                                    std::string("true"),
                                    std::string("[1800000000]"),
                                    std::string("{}"),
                                    std::string("\"\""),
                                    std::string("NaN"),
                                    std::string("nan"),
                                    std::string("Infinity"),
                                    std::string("inf"),
                                    std::string("0x7fffffff"),
                                    std::string("+1"),
                                    std::string("01"),
                                    std::string("1."),
                                    std::string(".5"),
                                    std::string("1e"),
                                    std::string("1_000"),
                                    std::string("1 2")}) {
    CAPTURE(number.substr(0, 60));
    CHECK(expiry(number) == kNone);
  }
  CHECK_FALSE(TokenClaims::parse("{}"));
  CHECK_FALSE(TokenClaims::parse(R"({"Exp":1})"));
}

TEST_CASE("token claims: claims that permit reading jobs") {
  for (const char* member :
       {R"("permissions":["job:read"])", R"("permissions":["x","job:read","y"])",
        R"("permissions":"job:read")", R"("permissions":"x job:read y")", R"("scope":"job:read")",
        R"("scope":"openid  job:read")", R"("scope":["job:read"])", R"("scp":["job:read"])",
        R"("scp":"x job:read")", R"("roles":["read"])", R"("roles":["x","admin"])",
        R"("roles":["write"])", R"("roles":"read")", R"("role":"write")", R"("role":["admin"])",
        R"("permissions":["job:read"],"roles":["none"])"}) {
    CAPTURE(member);
    CHECK(reads(member));
  }
}

TEST_CASE("token claims: claims that do not") {
  for (const char* member : {R"("x":1)",
                             R"("permissions":[])",
                             R"("permissions":["job:write","job:reader"])",
                             R"("permissions":["job:read "])",
                             R"("permissions":["x job:read"])",
                             R"("permissions":["JOB:READ"])",
                             R"("permissions":"job:read,x")",
                             R"("permissions":"job:read\tx")",
                             R"("permissions":"")",
                             R"("permissions":" ")",
                             R"("permissions":{"job:read":true})",
                             R"("permissions":[["job:read"]])",
                             R"("permissions":["job:read",7])",
                             R"("permissions":true)",
                             R"("permissions":null)",
                             R"("permissions":["read"])",
                             R"("permissions":"admin")",
                             R"("Permissions":["job:read"])",
                             R"("scope":"job:rea")",
                             R"("scope":"job:readjob:read")",
                             R"("roles":["job:read"])",
                             R"("roles":["Admin","reader",""])",
                             R"("role":"may not read")",
                             R"("role":"read ")",
                             R"("role":true)",
                             R"("roles":{"admin":1})",
                             R"("roles":["admin"],"permissions":["node:read"])",
                             R"("roles":["admin"],"permissions":[])",
                             R"("roles":["admin"],"permissions":null)",
                             R"("roles":["admin"],"scope":"openid")",
                             R"("role":"read","scope":"")",
                             R"("role":"read","scp":["x"])",
                             R"("permissions":["job:write"],"role":"read")",
                             R"("permissions":7,"role":"read")",
                             R"("realm":{"roles":["admin"]})"}) {
    CAPTURE(member);
    CHECK_FALSE(reads(member));
  }
}

TEST_CASE("token claims: subject, issuer, audience") {
  const auto claims = TokenClaims::parse(
      R"({"iss":"i\u0000","sub":"","aud":["a","b"],"exp":2,"nbf":1.25,"iat":"whenever"})");
  REQUIRE(claims);
  CHECK(claims->issuer == std::string("i\0", 2));
  CHECK(claims->subject == "");
  CHECK(claims->audiences == std::vector<std::string>{"a", "b"});
  CHECK(claims->not_before == WallTime(nanoseconds(1'250'000'000)));
  const auto least = TokenClaims::parse(R"({"exp":2})");
  REQUIRE(least);
  CHECK_FALSE(least->issuer);
  CHECK_FALSE(least->subject);
  CHECK(least->audiences.empty());
  CHECK(least->not_before == WallTime::min());
}
