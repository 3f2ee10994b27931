#include "server/auth/jwt_authority.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/base/secret_text.h"
#include "core/base/start_error.h"
#include "server/auth/jwk_set.h"
#include "server/auth/pem_keys.h"
#include "server/auth/signed_token.h"
#include "server/auth/token_claims.h"
#include "server/auth/verified_tokens.h"
#include "server/files/small_file.h"

namespace bide {
namespace {

// The issuer's clock may be ahead of ours. `exp` has no such tolerance.
constexpr std::chrono::seconds kNotBeforeLeeway{5};

std::string cannot_read(const std::filesystem::path& file, const Unreadable& trouble) {
  return file.string() + ": cannot be read: " + trouble.why;
}

std::variant<KeyRing, std::string> read_secret(const std::filesystem::path& file) {
  const auto read = read_small_file(file, {.regular_only = true});
  if (const auto* trouble = std::get_if<Unreadable>(&read)) return cannot_read(file, *trouble);
  auto key = VerificationKey::of_secret(secret_in(std::get<FileText>(read).text()));
  if (const auto* why = std::get_if<std::string>(&key)) return file.string() + ": " + *why;
  KeyRing ring;
  ring.keys.push_back(std::get<VerificationKey>(std::move(key)));
  return ring;
}

std::variant<KeyRing, std::string> read_keys(const std::filesystem::path& file) {
  const auto read = read_small_file(file, {.regular_only = true});
  if (const auto* trouble = std::get_if<Unreadable>(&read)) return cannot_read(file, *trouble);
  const auto text = without_byte_order_mark(std::get<FileText>(read).text());
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  const bool is_json = begin != std::string::npos && text[begin] == '{';
  auto ring = is_json ? parse_jwk_set(text) : parse_pem_keys(text);
  if (const auto* why = std::get_if<std::string>(&ring)) return file.string() + ": " + *why;
  for (std::string& note : std::get<KeyRing>(ring).notes) note.insert(0, file.string() + ": ");
  return ring;
}

bool is_candidate(const VerificationKey& key, const SignedToken& token) {
  return key.algorithm() == token.algorithm &&
         (!token.key_name || !key.name() || key.name() == token.key_name);
}

// Prefixed by lengths, so that different pairs give different texts.
std::string subject_text(const TokenClaims& claims) {
  const std::string issuer = claims.issuer.value_or("");
  return std::to_string(issuer.size()) + ':' + issuer + *claims.subject;
}

std::variant<Permit, Denial> verdict_on(const VerifiedToken& token, WallTime now) {
  if (!token.is_for_us || now < token.not_before) return Denial::kInvalid;
  if (now >= token.expires) return Denial::kExpired;
  if (!token.reads_jobs && !token.writes_jobs) return Denial::kForbidden;
  return Permit{.client = token.client,
                .expires = token.expires,
                .reads = token.reads_jobs,
                .writes = token.writes_jobs,
                .jobs = token.jobs};
}

}  // namespace

struct JwtAuthority::Keys {
  bool signed_by_one(const SignedToken& token) const {
    return std::any_of(ring.keys.begin(), ring.keys.end(), [&](const VerificationKey& key) {
      return is_candidate(key, token) && key.verifies(token.signed_text, token.signature);
    });
  }

  KeyRing ring;
  mutable VerifiedTokens verified;
};

JwtAuthority::JwtAuthority(JwtSettings settings)
    : settings_(std::move(settings)), digest_(KeyedDigest::random()) {
  if (const auto why = JwtAuthority::reload()) throw StartError(*why);
}

JwtAuthority::~JwtAuthority() = default;

std::variant<Permit, Denial> JwtAuthority::judge(std::string_view token, WallTime now) const {
  if (token.size() > kTokenBytesMax) return Denial::kInvalid;
  const auto keys = keys_.get();
  const KeyedDigest::Value digest = digest_.of(token);
  auto verified = keys->verified.find(digest);
  if (!verified) {
    verified = verify(token, *keys);
    if (!verified) return Denial::kInvalid;
    keys->verified.insert(digest, *verified);
  }
  return verdict_on(*verified, now);
}

std::optional<std::variant<Permit, Denial>> JwtAuthority::recall(std::string_view token,
                                                                 WallTime now) const {
  if (token.size() > kTokenBytesMax) return std::nullopt;
  const auto verified = keys_.get()->verified.find(digest_.of(token));
  if (!verified) return std::nullopt;
  return verdict_on(*verified, now);
}

// Verifies the signature first; a token without a valid one is not read any further. A client
// without a subject is named by the signed text, not by the token, because from one ES256 signature
// anybody can make a second one.
std::optional<VerifiedToken> JwtAuthority::verify(std::string_view token, const Keys& keys) const {
  const auto parts = SignedToken::parse(token);
  if (!parts || !keys.signed_by_one(*parts)) return std::nullopt;
  const auto claims = TokenClaims::parse(parts->payload);
  if (!claims) return std::nullopt;
  const auto client =
      digest_.of(claims->subject ? subject_text(*claims) : std::string(parts->signed_text));
  return VerifiedToken{
      .client = client_of(client),
      .not_before = std::max(claims->not_before, WallTime{} + kNotBeforeLeeway) - kNotBeforeLeeway,
      .expires = claims->expires,
      .is_for_us = is_for_us(*claims),
      .reads_jobs = claims->reads_jobs,
      .writes_jobs = claims->writes_jobs,
      .jobs = claims->jobs ? std::make_shared<const JobScope>(*claims->jobs) : nullptr};
}

bool JwtAuthority::is_for_us(const TokenClaims& claims) const {
  if (settings_.issuer && claims.issuer != settings_.issuer) return false;
  return !settings_.audience || std::find(claims.audiences.begin(), claims.audiences.end(),
                                          *settings_.audience) != claims.audiences.end();
}

std::optional<std::string> JwtAuthority::reload() {
  const std::uint64_t turn = keys_.take_turn();
  auto keys = read();
  if (auto* why = std::get_if<std::string>(&keys)) return std::move(*why);
  keys_.install(turn, std::get<0>(std::move(keys)));
  return std::nullopt;
}

std::variant<std::shared_ptr<const JwtAuthority::Keys>, std::string> JwtAuthority::read() const {
  auto keys = std::make_shared<Keys>();
  const auto add = [&](std::variant<KeyRing, std::string> read) -> std::optional<std::string> {
    if (auto* why = std::get_if<std::string>(&read)) return std::move(*why);
    auto& ring = std::get<KeyRing>(read);
    std::move(ring.keys.begin(), ring.keys.end(), std::back_inserter(keys->ring.keys));
    std::move(ring.notes.begin(), ring.notes.end(), std::back_inserter(keys->ring.notes));
    return std::nullopt;
  };
  if (settings_.secret_file) {
    if (auto why = add(read_secret(*settings_.secret_file))) return *std::move(why);
  }
  if (settings_.key_file) {
    if (auto why = add(read_keys(*settings_.key_file))) return *std::move(why);
  }
  if (keys->ring.keys.empty()) return "neither a secret nor keys to verify tokens with are given";
  return keys;
}

std::vector<std::filesystem::path> JwtAuthority::files() const {
  std::vector<std::filesystem::path> files;
  if (settings_.secret_file) files.push_back(*settings_.secret_file);
  if (settings_.key_file) files.push_back(*settings_.key_file);
  return files;
}

std::vector<std::string> JwtAuthority::notes() const { return keys_.get()->ring.notes; }

}  // namespace bide
