#include "server/auth/jwk_set.h"

#include <openssl/core_names.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/base64.h"
#include "core/base/crypto_handles.h"
#include "core/base/json_object.h"

namespace bide {
namespace {

using Kind = JsonMember::Kind;
using OrFault = std::variant<VerificationKey, std::string>;

constexpr std::size_t kSetDepthMax = 16;
constexpr std::size_t kMembersMax = 1000;  // A larger set is refused before its keys are parsed.
constexpr std::size_t kCoordinateBytes = 32;
// Members of private keys: RSA, EC and OKP (RFC 7518 sections 6.2.2 and 6.3.2, RFC 8037 section 2).
constexpr std::string_view kPrivateMembers[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

// RFC 7518 section 2. nullopt: absent, or not base64url.
std::optional<std::string> bytes_of(const JsonObject& jwk, std::string_view name) {
  if (jwk[name].kind != Kind::kString) return std::nullopt;
  return decode_base64url(jwk[name].text);
}

BignumPtr number_of(const std::string& bytes) {
  return BignumPtr(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                             static_cast<int>(bytes.size()), nullptr));
}

// `builder` and everything pushed to it must live until this returns.
EvpPkeyPtr build(const char* kind, OSSL_PARAM_BLD* builder) {
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder));
  const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  return EvpPkeyPtr(key);
}

OrFault of_key(EvpPkeyPtr key, const char* expected) {
  if (!key) return std::string(expected);
  return VerificationKey::of_public(std::move(key));
}

OrFault parse_rsa(const JsonObject& jwk) {
  const char* expected = "n and e are not an RSA public key";
  const auto n = bytes_of(jwk, "n");
  const auto e = bytes_of(jwk, "e");
  // OpenSSL accepts numbers of any size; of_public() checks them.
  if (!n || !e || n->size() > 4096 || e->size() > 64) return std::string(expected);
  const BignumPtr modulus = number_of(*n);
  const BignumPtr exponent = number_of(*e);
  const ParamBldPtr builder(OSSL_PARAM_BLD_new());
  if (!modulus || !exponent || !builder ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
    return std::string(expected);
  }
  return of_key(build("RSA", builder.get()), expected);
}

OrFault parse_ec(const JsonObject& jwk) {
  if (jwk["crv"].text != "P-256") return "a curve other than P-256";
  const char* expected = "x and y are not a point of P-256";
  const auto x = bytes_of(jwk, "x");
  const auto y = bytes_of(jwk, "y");
  // Leading zeros must be present (RFC 7518 section 6.2.1.2).
  if (!x || !y || x->size() != kCoordinateBytes || y->size() != kCoordinateBytes) {
    return std::string(expected);
  }
  const std::string point = '\x04' + *x + *y;  // SEC 1 section 2.3.3.
  const ParamBldPtr builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) !=
          1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return std::string(expected);
  }
  return of_key(build("EC", builder.get()), expected);
}

OrFault parse_okp(const JsonObject& jwk) {
  if (jwk["crv"].text != "Ed25519") return "a curve other than Ed25519";
  const auto x = bytes_of(jwk, "x");
  if (!x || x->size() != kCoordinateBytes) return "x is not an Ed25519 public key";
  return of_key(
      EvpPkeyPtr(EVP_PKEY_new_raw_public_key(
          EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(x->data()), x->size())),
      "x is not an Ed25519 public key");
}

// Whether the key's members allow it to verify signatures.
std::optional<std::string> find_other_purpose(const JsonObject& jwk) {
  if (jwk["use"].kind != Kind::kAbsent && jwk["use"].text != "sig") return "its use is not sig";
  if (jwk["key_ops"].kind != Kind::kAbsent) {
    const auto ops =
        jwk["key_ops"].kind == Kind::kArray ? parse_string_array(jwk["key_ops"].raw) : std::nullopt;
    if (!ops || std::find(ops->begin(), ops->end(), "verify") == ops->end()) {
      return "its key_ops have no verify";
    }
  }
  return std::nullopt;
}

OrFault parse_material(const JsonObject& jwk) {
  const std::string& kind = jwk["kty"].text;
  if (kind == "oct") return "a secret (kty oct); give it by --jwt-secret-file";
  for (const std::string_view name : kPrivateMembers) {
    if (jwk[name].kind != Kind::kAbsent) return "a private key; publish its public part only";
  }
  if (kind == "RSA") return parse_rsa(jwk);
  if (kind == "EC") return parse_ec(jwk);
  if (kind == "OKP") return parse_okp(jwk);
  return "its kty is none of RSA, EC, OKP";
}

OrFault parse_jwk(std::string_view text) {
  const auto parsed = JsonObject::parse(text,
                                        {"kty", "use", "key_ops", "alg", "kid", "n", "e", "crv",
                                         "x", "y", "d", "p", "q", "dp", "dq", "qi", "oth", "k"},
                                        kSetDepthMax, JsonDuplicates::kRefused);
  if (const auto* error = std::get_if<JsonError>(&parsed)) {
    return *error == JsonError::kDuplicate ? "one of its members stands twice" : "not an object";
  }
  const JsonObject& jwk = std::get<JsonObject>(parsed);
  if (auto other = find_other_purpose(jwk)) return *std::move(other);
  OrFault key = parse_material(jwk);
  if (std::holds_alternative<std::string>(key)) return key;
  auto& usable = std::get<VerificationKey>(key);
  if (jwk["alg"].kind != Kind::kAbsent &&
      find_signing_algorithm(jwk["alg"].text) != usable.algorithm()) {
    return "its alg is none that bide verifies with such a key (RS256, ES256, EdDSA)";
  }
  if (jwk["kid"].kind == Kind::kString) usable.set_name(jwk["kid"].text);
  if (jwk["kid"].kind != Kind::kAbsent && !usable.name()) return "its kid is not a string";
  return key;
}

// nullopt: not a JWK set.
std::optional<std::vector<std::string_view>> split_set(std::string_view text) {
  const auto set = JsonObject::parse(text, {"keys"}, kSetDepthMax, JsonDuplicates::kRefused);
  if (!std::holds_alternative<JsonObject>(set)) return std::nullopt;
  const JsonMember& keys = std::get<JsonObject>(set)["keys"];
  return keys.kind == Kind::kArray ? split_json_array(keys.raw) : std::nullopt;
}

}  // namespace

std::variant<KeyRing, std::string> parse_jwk_set(std::string_view text) {
  const QuietErrors quiet;
  const auto members = split_set(text);
  if (!members) return R"(is not a JWK set; expected one JSON object {"keys":[...]})";
  if (members->size() > kMembersMax) return "has more than 1000 keys; take out those not in use";
  KeyRing ring;
  for (std::size_t i = 0; i < members->size(); ++i) {
    OrFault key = parse_jwk((*members)[i]);
    if (const auto* why = std::get_if<std::string>(&key)) {
      ring.notes.push_back("key " + std::to_string(i + 1) + " cannot be used: " + *why);
      continue;
    }
    ring.keys.push_back(std::get<VerificationKey>(std::move(key)));
  }
  if (ring.keys.size() > KeyRing::kKeysMax) {
    return "has more than " + std::to_string(KeyRing::kKeysMax) + " keys of use; take out old ones";
  }
  if (!ring.keys.empty()) return ring;
  return ring.notes.empty() ? "has no keys" : "has no key of use; " + ring.notes.front();
}

}  // namespace bide
