// The examples of the RFCs. Refused signatures are in jwt_attack_test.cc.
#include "server/auth/verification_key.h"

#include <doctest/doctest.h>

#include "core/base/base64.h"
#include "server/auth/jwk_set.h"
#include "server/auth/jwt_authority.h"
#include "server/auth/signed_token.h"
#include "tests/scratch_dir.h"
#include "tests/server/auth/credentials.h"

using namespace bide;
using namespace bide::testing;

namespace {

// RFC 7515 appendices A.1 to A.3 sign the same claims; `exp` is 1300819380.
const std::string kClaims =
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ.";
const std::string kHmacKey =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
const std::string kHmacToken = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" + kClaims +
                               "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const std::string kRsaKey =
    R"({"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPC)"
    "JrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bS"
    "f63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4L"
    R"(T6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"A)"
    R"(QAB"})";
const std::string kRsaToken =
    "eyJhbGciOiJSUzI1NiJ9" + kClaims +
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5j"
    "ujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L"
    "07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEU"
    "ipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const std::string kEcKey =
    R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
const std::string kEcToken =
    "eyJhbGciOiJFUzI1NiJ9" + kClaims +
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
// RFC 8037 appendices A.2 and A.4.
const std::string kEdKey =
    R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
const std::string kEdToken =
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvM"
    "g3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

}  // namespace

TEST_CASE("verification key: the examples of RFC 7515 are accepted until they expire") {
  const ScratchDir dir;
  const std::filesystem::path secret = dir.path() / "secret";
  const std::filesystem::path keys = dir.path() / "keys";
  write_file(secret, *decode_base64url(kHmacKey));
  write_file(keys, R"({"keys":[)" + kRsaKey + "," + kEcKey + "," + kEdKey + "]}");
  const JwtAuthority authority({.secret_file = secret, .key_file = keys, .issuer = "joe"});
  CHECK(authority.notes().empty());
  const WallTime end{std::chrono::seconds(1'300'819'380)};
  for (const std::string& token : {kHmacToken, kRsaToken, kEcToken}) {
    CHECK(outcome(authority.judge(token, end - std::chrono::nanoseconds(1))) == "forbidden");
    CHECK(outcome(authority.judge(token, end)) == "expired");
  }
  CHECK(outcome(authority.judge(kEdToken, end)) == "invalid");  // Its payload has no claims.
}

TEST_CASE("verification key: the example of RFC 8037") {
  const auto set = parse_jwk_set(R"({"keys":[)" + kEdKey + "]}");
  REQUIRE(std::holds_alternative<KeyRing>(set));
  const VerificationKey& key = std::get<KeyRing>(set).keys[0];
  const auto token = SignedToken::parse(kEdToken);
  REQUIRE(token);
  CHECK(token->algorithm == SigningAlgorithm::kEdDsa);
  CHECK(token->payload == "Example of Ed25519 signing");
  CHECK(key.verifies(token->signed_text, token->signature));
  CHECK_FALSE(key.verifies("Example of Ed25519 signing", token->signature));
}
