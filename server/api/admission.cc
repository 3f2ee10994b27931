#include "server/api/admission.h"

#include "server/auth/bearer.h"
#include "server/http/problem.h"

namespace bide {
namespace {

httplib::Response challenge(int status, std::string_view detail, std::string_view error) {
  httplib::Response response = problem(status, detail);
  std::string fields = "Bearer realm=\"bide\"";
  if (!error.empty()) fields.append(", error=\"").append(error).append("\"");
  if (status == 403) fields += ", scope=\"job:read\"";
  response.set_header("WWW-Authenticate", fields);
  return response;
}

httplib::Response refusal(Denial denial) {
  switch (denial) {
    case Denial::kInvalid:
      return challenge(401, "the token is not valid here", "invalid_token");
    case Denial::kExpired:
      return challenge(401, "the token has expired; get a new one", "invalid_token");
    case Denial::kForbidden:
      break;
  }
  return challenge(403, "the token does not permit reading jobs: job:read is missing",
                   "insufficient_scope");
}

}  // namespace

std::optional<httplib::Response> Admission::judge(const httplib::Request& request,
                                                  std::uint64_t address, RequestFacts& facts) {
  if (authority_ == nullptr) return std::nullopt;
  // Read before the token is judged, so that a reload meanwhile counts as newer.
  facts.admission = static_cast<std::uint16_t>(generation_.load(std::memory_order_relaxed));
  const BearerToken bearer = find_bearer(request, cookie_);
  switch (bearer.found) {
    case BearerToken::Found::kNone:
      return challenge(401, "a token is needed: send it as `Authorization: Bearer <token>`", "");
    case BearerToken::Found::kAmbiguous:
      return challenge(400, "there are several Authorization fields; send one", "invalid_request");
    case BearerToken::Found::kOne:
      break;
  }
  const WallTime now = clock_.wall_now();
  const auto judged = verdict_on(bearer.token, address, now);
  if (!judged) {
    return passing_problem(429, "too many tokens from this address were not valid; wait a moment",
                           failures_.pause());
  }
  if (const auto* const denial = std::get_if<Denial>(&*judged)) return refusal(*denial);
  admit(std::get<Permit>(*judged), facts.received, now, facts);
  return std::nullopt;
}

std::optional<std::variant<Permit, Denial>> Admission::verdict_on(std::string_view token,
                                                                  std::uint64_t address,
                                                                  WallTime now) {
  if (const auto known = authority_->recall(token, now)) return known;
  const TimePoint when = clock_.now();
  if (!failures_.has_credit(address, when)) return std::nullopt;
  const std::variant<Permit, Denial> judged = authority_->judge(token, now);
  const auto* const denial = std::get_if<Denial>(&judged);
  // A good token without this permission has authenticated its client.
  if (denial != nullptr && *denial != Denial::kForbidden) (void)failures_.charge(address, when);
  return judged;
}

bool Admission::renew(std::string_view token, std::uint64_t address, RequestFacts& facts) {
  if (authority_ == nullptr) return true;
  const std::uint32_t generation = generation_.load(std::memory_order_relaxed);
  const WallTime now = clock_.wall_now();
  const auto judged = verdict_on(token, address, now);
  const auto* const permit = judged ? std::get_if<Permit>(&*judged) : nullptr;
  if (permit == nullptr) return false;
  const std::uint64_t client = facts.client;
  admit(*permit, clock_.now(), now, facts);
  facts.client = client;  // The client whose place the stream has taken.
  facts.admission = static_cast<std::uint16_t>(generation);
  return true;
}

void Admission::admit(const Permit& permit, TimePoint now, WallTime wall_now, RequestFacts& facts) {
  facts.client = permit.client;
  // A century is for ever, and does not overflow.
  constexpr std::chrono::hours kForEver(24 * 36'525);
  const bool ends = permit.expires < wall_now + kForEver;
  facts.token_expires =
      ends ? now + std::chrono::duration_cast<TimePoint::duration>(permit.expires - wall_now)
           : kEndOfTime;
}

}  // namespace bide
