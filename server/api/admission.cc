#include "server/api/admission.h"

#include <algorithm>

#include "server/auth/bearer.h"
#include "server/http/cross_origin.h"
#include "server/http/field_syntax.h"
#include "server/http/problem.h"

namespace bide {
namespace {

http::Response challenge(int status, std::string_view detail, std::string_view error,
                         std::string_view scope = "job:read") {
  http::Response response = problem(status, detail);
  std::string fields = "Bearer realm=\"bide\"";
  if (!error.empty()) fields.append(", error=\"").append(error).append("\"");
  if (status == 403) fields.append(", scope=\"").append(scope).append("\"");
  response.set_header("WWW-Authenticate", fields);
  return response;
}

http::Response refusal(Denial denial) {
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

// A proxy on this machine must not open writes to everybody.
bool came_by_proxy(const http::Headers& headers) {
  const auto has = [&](std::string_view name) {
    const auto [first, last] = field_lines(headers, name);
    return first != last;
  };
  return has("Forwarded") || has("X-Forwarded-For") || has("Via");
}

bool covers_all(const JobScope& scope, std::string_view ids) {
  for (bool more = true; more;) {
    const std::size_t comma = ids.find(',');
    more = comma != std::string_view::npos;
    if (!scope.covers(ids.substr(0, comma))) return false;
    if (more) ids.remove_prefix(comma + 1);
  }
  return true;
}

// Whether the request is for jobs of the scope only. Lists and statistics are of all jobs.
bool is_within(const JobScope& scope, const http::Request& request, const JobId* job) {
  if (job != nullptr) return scope.covers(*job);
  const auto [first, last] = request.params.equal_range("id");
  return first != last &&
         std::all_of(first, last, [&](const auto& one) { return covers_all(scope, one.second); });
}

}  // namespace

std::optional<http::Response> Admission::judge(const http::Request& request, const Wish& wish,
                                               const ClientAddress& address, RequestFacts& facts) {
  if (authority_ == nullptr) {
    if (!wish.writes || (address.is_loopback() && !came_by_proxy(request.headers))) {
      return std::nullopt;
    }
    return problem(403,
                   "without --auth only clients on this machine may write, and not by a proxy");
  }
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
  if (wish.writes && bearer.in_cookie && !CrossOrigin::is_own_page(request)) {
    return problem(403,
                   "a cookie may write only with Sec-Fetch-Site: same-origin; send "
                   "Authorization: Bearer");
  }
  const WallTime now = clock_.wall_now();
  const auto judged = verdict_on(bearer.token, address.client(), now);
  if (!judged) {
    return passing_problem(429, "too many tokens from this address were not valid; wait a moment",
                           failures_.pause());
  }
  if (const auto* const denial = std::get_if<Denial>(&*judged)) return refusal(*denial);
  const Permit& permit = std::get<Permit>(*judged);
  if (wish.writes ? !permit.writes : !permit.reads) {
    if (!wish.writes) return refusal(Denial::kForbidden);
    return challenge(403, "the token does not permit writing jobs: job:write is missing",
                     "insufficient_scope", "job:write");
  }
  if (permit.jobs != nullptr && !is_within(*permit.jobs, request, wish.job)) {
    return challenge(403, "the token is for other jobs only", "insufficient_scope",
                     wish.writes ? "job:write" : "job:read");
  }
  admit(permit, facts.received, now, facts);
  facts.minimal = !permit.reads;
  return std::nullopt;
}

std::optional<std::variant<Permit, Denial>> Admission::verdict_on(std::string_view token,
                                                                  std::uint64_t address,
                                                                  WallTime now) {
  if (auto known = authority_->recall(token, now)) return known;
  const TimePoint when = clock_.now();
  if (!failures_.has_credit(address, when)) return std::nullopt;
  const std::variant<Permit, Denial> judged = authority_->judge(token, now);
  const auto* const denial = std::get_if<Denial>(&judged);
  // A good token without this permission has authenticated its client.
  if (denial != nullptr && *denial != Denial::kForbidden) (void)failures_.charge(address, when);
  return judged;
}

bool Admission::renew(std::string_view token, const JobId* job, std::uint64_t address,
                      RequestFacts& facts) {
  if (authority_ == nullptr) return true;
  const std::uint32_t generation = generation_.load(std::memory_order_relaxed);
  const WallTime now = clock_.wall_now();
  const auto judged = verdict_on(token, address, now);
  const auto* const permit = judged ? std::get_if<Permit>(&*judged) : nullptr;
  if (permit == nullptr || !permit->reads) return false;
  if (permit->jobs != nullptr && (job == nullptr || !permit->jobs->covers(*job))) return false;
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
