#include "server/auth/bearer.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace bide {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

// `none`, `ambiguous`, or the token in brackets.
std::string found(const Fields& fields) {
  http::Request request;
  for (const auto& [name, value] : fields) request.headers.emplace(name, value);
  const BearerToken bearer = find_bearer(request, "bide_token");
  switch (bearer.found) {
    case BearerToken::Found::kNone:
      return "none";
    case BearerToken::Found::kAmbiguous:
      return "ambiguous";
    case BearerToken::Found::kOne:
      break;
  }
  return "[" + std::string(bearer.token) + "]";
}

}  // namespace

TEST_CASE("bearer: the scheme is read in any case, the token as it is") {
  CHECK(found({}) == "none");
  CHECK(found({{"Authorization", "Bearer abc"}}) == "[abc]");
  CHECK(found({{"authorization", "bEARER   abc"}}) == "[abc]");
  CHECK(found({{"Authorization", "Bearer a b"}}) == "[a b]");
  CHECK(found({{"Authorization", "Bearer"}}) == "[]");
  CHECK(found({{"Authorization", "Bearer "}}) == "[]");
}

TEST_CASE("bearer: other schemes are ignored") {
  CHECK(found({{"Authorization", ""}}) == "none");
  CHECK(found({{"Authorization", "Basic YTpi"}}) == "none");
  CHECK(found({{"Authorization", "Bearerabc"}}) == "none");
  CHECK(found({{"Authorization", "Basic YTpi"}, {"Cookie", "bide_token=c"}}) == "[c]");
}

TEST_CASE("bearer: of two Authorization fields neither counts") {
  CHECK(found({{"Authorization", "Bearer a"}, {"Authorization", "Bearer a"}}) == "ambiguous");
  CHECK(found({{"Authorization", "Bearer a"}, {"Authorization", "Basic b"}}) == "ambiguous");
}

TEST_CASE("bearer: a WebSocket's subprotocols may carry it") {
  CHECK(found({{"Sec-WebSocket-Protocol", "bide.v1, bearer.abc.d-e_f"}}) == "[abc.d-e_f]");
  CHECK(found({{"Sec-WebSocket-Protocol", "bide.v1"}, {"Sec-WebSocket-Protocol", "bearer.x"}}) ==
        "[x]");
  CHECK(found({{"Sec-WebSocket-Protocol", "bide.v1, Bearer.abc"}}) == "none");
  CHECK(found({{"Sec-WebSocket-Protocol", "bearer."}}) == "[]");
}

TEST_CASE("bearer: the cookie of that name, and no other") {
  CHECK(found({{"Cookie", "bide_token=abc"}}) == "[abc]");
  CHECK(found({{"Cookie", "a=b; bide_token=abc; c=d"}}) == "[abc]");
  CHECK(found({{"Cookie", "a=b;bide_token=\"abc\""}}) == "[abc]");
  CHECK(found({{"Cookie", "bide_token=a=b"}}) == "[a=b]");
  CHECK(found({{"Cookie", "a=b"}, {"Cookie", "bide_token=abc"}}) == "[abc]");
  CHECK(found({{"Cookie", "bide_token"}}) == "none");
  CHECK(found({{"Cookie", "xbide_token=abc; Bide_Token=abc; a=bide_token=abc"}}) == "none");
  CHECK(found({{"Cookie", ";;=;"}}) == "none");
}

TEST_CASE("bearer: Authorization comes before subprotocols, and these before cookies") {
  Fields fields = {{"Cookie", "bide_token=c"}};
  CHECK(found(fields) == "[c]");
  fields.emplace_back("Sec-WebSocket-Protocol", "bearer.p");
  CHECK(found(fields) == "[p]");
  fields.emplace_back("Authorization", "Bearer a");
  CHECK(found(fields) == "[a]");
}

}  // namespace bide
