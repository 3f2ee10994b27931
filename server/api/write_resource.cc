#include "server/api/write_resource.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <utility>

#include "server/api/job_query.h"
#include "server/api/known_parameters.h"
#include "server/api/write_body.h"
#include "server/http/field_syntax.h"
#include "server/http/prefer.h"
#include "server/http/problem.h"

namespace bide {
namespace {

constexpr std::size_t kKeyNameBytesMax = 64;
// The writer's own patience is over before.
constexpr std::chrono::milliseconds kHeldForWrite =
    kWritePatience + std::chrono::milliseconds(2500);

std::string hex_of(const unsigned char* bytes, std::size_t count) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4U];
    text += kDigits[bytes[i] & 15U];
  }
  return text;
}

// Taken from the library 32 at a time: a call for 16 bytes costs it as much as one for 512.
std::array<unsigned char, 16> random_bytes() {
  constexpr std::size_t kTaken = 32;
  thread_local std::array<std::array<unsigned char, 16>, kTaken> taken;
  thread_local std::size_t left = 0;
  if (left == 0) {
    if (RAND_bytes(taken.front().data(), sizeof taken) != 1) throw std::bad_alloc();
    left = kTaken;
  }
  return taken[--left];
}

// RFC 9562 section 5.7: 48 bits of milliseconds, then random ones.
std::string uuid_v7(WallTime now) {
  std::array<unsigned char, 16> bytes = random_bytes();
  const auto ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
  for (std::size_t i = 0; i < 6; ++i) {
    bytes[i] = static_cast<unsigned char>(ms >> (8 * (5 - i)));
  }
  bytes[6] = static_cast<unsigned char>(0x70U | (bytes[6] & 0x0FU));
  bytes[8] = static_cast<unsigned char>(0x80U | (bytes[8] & 0x3FU));
  std::string text = hex_of(bytes.data(), bytes.size());
  for (const std::size_t at : {8U, 13U, 18U, 23U}) text.insert(at, 1, '-');
  return text;
}

// The name under which JetStream knows a repetition. It depends on the whole request, so that a key
// that was used for another one by mistake loses nothing.
std::string message_id_of(std::string_view key, const http::Request& request) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int bytes = 0;
  std::string text(key);
  for (const std::string* const part : {&request.method, &request.path, &request.body}) {
    text.append(1, '\0').append(*part);
  }
  if (EVP_Digest(text.data(), text.size(), digest.data(), &bytes, EVP_sha256(), nullptr) != 1) {
    throw std::bad_alloc();
  }
  return "bide-" + hex_of(digest.data(), 16);
}

// Empty: the request has no key.
std::variant<std::string, BadQuery> idempotency_key(const http::Headers& headers) {
  constexpr std::string_view kKey = "Idempotency-Key";
  const auto [first, last] = field_lines(headers, kKey);
  if (first == last) return std::string();
  const std::string& key = first->second;
  const bool visible =
      std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < '\x7F'; });
  if (std::next(first) == last && visible && !key.empty() && key.size() <= kKeyNameBytesMax)
    return key;
  return BadQuery{400, "Idempotency-Key is one field of 1 to 64 visible ASCII characters"};
}

}  // namespace

LogPath WriteResource::log_path(const Target& target) const {
  if (what_ == What::kCreate) return "/job";
  const auto* const write = std::get_if<WritePtr>(&target);
  const auto* const id = std::get_if<JobId>(&target);
  const std::string_view job = write != nullptr ? std::string_view((*write)->job_id)
                               : id != nullptr  ? id->text()
                                                : std::string_view();
  return LogPath::of_job(job, what_ == What::kReport ? "/events" : "");
}

ParkedOn WriteResource::parked_on(const Target& target) const {
  return std::holds_alternative<WritePtr>(target) ? ParkedOn::kWrite : ParkedOn::kJob;
}

std::string WriteResource::location_of(const Target& target) const {
  return base_path_ + "/job/" + std::string(std::get<JobId>(target).text());
}

http::Response WriteResource::absent(const Target& /*job*/, Outcome outcome) const {
  return job_not_found(outcome);
}

void WriteResource::handle(const http::Request& request, Exchange& exchange) {
  auto write = std::make_shared<Write>();
  if (const auto* const id = std::get_if<JobId>(&exchange.target())) write->job_id = id->text();
  write->client = exchange.client();
  JobQuery query;
  if (what_ == What::kDelete) {
    constexpr std::array<std::string_view, 1> kNone = {"_"};
    if (auto bad = refuse_unknown_parameters(request.params, kNone)) {
      bad->detail = "DELETE has no parameters";
      return refuse(problem(bad->status, bad->detail), exchange);
    }
    if (auto bad = parse_hold_query(request, query.hold)) {
      return refuse(problem(bad->status, bad->detail), exchange);
    }
    query.hold.wait.reset();
  } else {
    auto parsed = parse_job_query(request);
    if (const auto* const bad = std::get_if<BadQuery>(&parsed)) {
      return refuse(problem(bad->status, bad->detail), exchange);
    }
    query = std::get<JobQuery>(std::move(parsed));
  }
  if (const auto bad = read(request, *write)) {
    return refuse(problem(bad->status, bad->detail), exchange);
  }
  if (prefers_minimal(request.headers)) exchange.facts().minimal = true;
  exchange.target() = std::move(write);
  serve(std::move(query.hold), query.condition, query.type, exchange);
}

std::optional<BadQuery> WriteResource::read(const http::Request& request, Write& write) const {
  auto key = idempotency_key(request.headers);
  if (auto* const bad = std::get_if<BadQuery>(&key)) return std::move(*bad);
  const std::string& given = std::get<std::string>(key);
  write.repeatable = !given.empty();
  const auto random = random_bytes();
  write.message_id = write.repeatable ? message_id_of(given, request)
                                      : "bide-" + hex_of(random.data(), random.size());
  const WallTime wall = std::chrono::system_clock::now();
  if (what_ == What::kCreate) {
    write.job_id = uuid_v7(wall);
    write.chosen_id = true;
  }
  switch (what_) {
    case What::kReport: {
      write.kind = Write::Kind::kEvent;
      auto entry = parse_event(request, write.job_id, wall);
      if (auto* const bad = std::get_if<BadQuery>(&entry)) return std::move(*bad);
      write.entry = std::get<NewEntry>(std::move(entry));
      return std::nullopt;
    }
    case What::kDefine:
    case What::kCreate: {
      write.kind = Write::Kind::kDefine;
      auto entry = parse_definition(request, write.job_id, wall);
      if (auto* const bad = std::get_if<BadQuery>(&entry)) return std::move(*bad);
      write.definition = std::get<NewEntry>(std::move(entry));
      return std::nullopt;
    }
    case What::kDelete:
      write.kind = Write::Kind::kDelete;
      write.definition.key = "jobs." + write.job_id;
      return std::nullopt;
  }
  return std::nullopt;
}

// The table is as fresh as the request's tags ask for.
void WriteResource::judge(TimePoint now, Exchange& exchange) {
  const auto* const held = std::get_if<WritePtr>(&exchange.target());
  if (held == nullptr) return HeldResource::judge(now, exchange);
  const WritePtr write = *held;
  if (freshness().stale(now)) return refuse_unstored("NATS is away", exchange);
  const Presence presence = table().presence(write->job_id);
  const bool tagged = exchange.only_if() != nullptr || !exchange.terms.seen.tags().empty();
  // What NATS had stored when the request came is deleted, by whatever replica it was written.
  const bool deletes = what_ == What::kDelete;
  if ((tagged || deletes) && !exchange.facts().caught_up) {
    return catch_up(Stage::kFresh, true, exchange);
  }
  if (is_precluded(write->job_id, now, exchange)) {
    return refuse(
        problem(412, "the job is not in the state that If-Match or If-None-Match asks for"),
        exchange);
  }
  write->exists = presence == Presence::kDefined;
  if (deletes) write->keys = table().entry_keys(write->job_id);
  if (write->kind == Write::Kind::kEvent && !write->exists) {
    write->definition =
        definition_entry({.job_id = write->job_id, .subject = {}, .expected_agents = {}},
                         std::chrono::system_clock::now());
  }
  begin(write, now, exchange);
}

bool WriteResource::is_precluded(std::string_view job_id, TimePoint now, Exchange& exchange) const {
  const auto& only_if = exchange.only_if();
  const ValidatorList& seen = exchange.terms.seen;
  // Most writes have no condition, and looking at the job would render it.
  if (only_if == nullptr && seen.tags().empty() && !seen.any()) return false;
  const MediaType type = exchange.terms.type;
  const Look job = table().look(JobId(job_id), exchange.terms, now);
  if (only_if != nullptr && (job.snapshot == nullptr || !job.snapshot->known_as(*only_if, type))) {
    return true;
  }
  // `*` of a definition is judged by JetStream, so that of two clients one creates the job.
  const bool by_store = seen.any() && what_ == What::kDefine;
  return !by_store && job.snapshot != nullptr && job.snapshot->known_as(seen, type) != nullptr;
}

void WriteResource::begin(const WritePtr& write, TimePoint now, Exchange& exchange) {
  switch (writer_.take_room(*write)) {
    case Writer::Room::kTaken:
      break;
    case Writer::Room::kClientFull:
      count(metrics().refused(RequestRefusal::kWrites));
      return refuse(
          passing_problem(429, "this client has too many writes under way; wait for some"),
          exchange);
    case Writer::Room::kFull:
      count(metrics().refused(RequestRefusal::kWrites));
      return refuse_unstored("too many writes are under way", exchange);
  }
  exchange.terms.deadline = now + kHeldForWrite;
  exchange.terms.places = 0;  // The writer's limits count it.
  Look nothing;
  const Parked parked = exchange.park(Stage::kCondition, nothing);
  if (parked == Parked::kParked) return writer_.submit(write);
  writer_.give_back(*write);
  if (parked == Parked::kGone) return;
  refuse_unstored(parked == Parked::kDraining ? "bide is shutting down" : "there is no room",
                  exchange);
}

void WriteResource::answer(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
                           Exchange& exchange) {
  if (const auto* const held = std::get_if<WritePtr>(&exchange.target())) {
    const WritePtr write = *held;
    return on_written(outcome, write, exchange);
  }
  HeldResource::answer(outcome, snapshot, exchange);
}

void WriteResource::on_written(Outcome outcome, const WritePtr& write, Exchange& exchange) {
  using End = Write::End;
  RequestFacts& facts = exchange.facts();
  const bool only_new = exchange.terms.seen.any();
  switch (write->end) {
    case End::kPending:
    case End::kUnknown:
      return refuse(problem(504, "not-known-to-be-stored", "Gateway Timeout",
                            write->why.empty()
                                ? "NATS did not acknowledge in time, so this may be stored or not; "
                                  "send it again with the same Idempotency-Key"
                                : "a part of this may be stored, and NATS says: " + write->why),
                    exchange);
    case End::kAway:
      return refuse_unstored("NATS is away", exchange);
    case End::kRefused:
      return refuse_unstored("NATS says: " + write->why, exchange);
    case End::kAbsent:
      if (what_ == What::kDelete) return refuse(job_not_found(Outcome::kNow), exchange);
      return refuse(
          problem(409, "the job of this Idempotency-Key has been deleted or defined again"),
          exchange);
    case End::kOther:
      if (only_new) break;
      return refuse(problem(409, "job-exists", "Conflict",
                            "the job exists with another definition; choose another id, or DELETE "
                            "it first"),
                    exchange);
    case End::kSame:
    case End::kStored:
      break;
  }
  if (only_new && write->end != End::kStored) {
    return refuse(problem(412, "the job exists"), exchange);
  }
  if (what_ == What::kDelete) {
    http::Response gone;
    gone.status = 204;
    gone.set_header("Cache-Control", "no-store");
    return exchange.send(gone);
  }
  facts.created = write->end == End::kStored;
  exchange.target() = JobId(write->job_id);
  if (outcome == Outcome::kTimeout) {
    // It is stored, but the table has not come so far.
    http::Response stored;
    stored.status = facts.created ? 201 : 200;
    stored.set_header("Location", location_of(exchange.target()));
    stored.set_header("Cache-Control", "no-store");
    return exchange.send(stored);
  }
  // The table shows what the stream held when the request came, and more.
  facts.caught_up = true;
  exchange.terms.seen = {};
  exchange.terms.places = 1;
  exchange.only_if().reset();
  HeldResource::judge(now(), exchange);
}

void WriteResource::refuse_unstored(std::string_view why, Exchange& exchange) {
  refuse(passing_problem(503, "nothing was stored: " + std::string(why) + "; try again"), exchange);
}

}  // namespace bide
