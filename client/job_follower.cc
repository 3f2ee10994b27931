#include "client/job_follower.h"

#include <algorithm>
#include <utility>

#include "client/event_records.h"
#include "client/job_page.h"
#include "client/usage.h"

namespace bide {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kHeld{25'000};
constexpr milliseconds kAtOnce{100};
// bide sends a heartbeat every 15 s.
constexpr milliseconds kSilenceMax{40'000};

// The text between the quotes of an ETag, which is the id of a stream's record.
std::string id_of_tag(std::string_view etag) {
  if (etag.size() < 2 || etag.front() != '"' || etag.back() != '"') return {};
  return std::string(etag.substr(1, etag.size() - 2));
}

}  // namespace

JobFollower::JobFollower(const ApiAccess& access, Target target, Tell tell, std::uint32_t seed)
    : target_(std::move(target)),
      tell_(std::move(tell)),
      connection_(access.server, access.token, access.cacert),
      back_off_(seed) {}

void JobFollower::run() {
  Step step = Step::kGoOn;
  while (step == Step::kGoOn && !stopped_) {
    step = begun_ ? follow() : target_.job_id.empty() ? begin_feed() : begin_job();
  }
}

void JobFollower::stop() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    woken_.notify_all();
  }
  connection_.cancel();
}

JobFollower::Step JobFollower::begin_job() {
  const auto asked_at = std::chrono::steady_clock::now();
  // The first question is not held: it tells whether the job exists.
  const std::string wait =
      absent_ ? "?until=exists&wait=" + std::to_string(kHeld.count()) + "ms" : "";
  const Reply reply = reply_of(connection_.exchange({.method = "GET",
                                                     .target = "/job/" + target_.job_id + wait,
                                                     .fields = {{"Accept", "text/plain"}},
                                                     .patience = kSilenceMax}));
  if (const auto* const trouble = std::get_if<Trouble>(&reply)) {
    return fail(trouble->what, trouble->retry_after);
  }
  touch();
  const auto* const refusal = std::get_if<ServerRefusal>(&reply);
  if (refusal == nullptr) {
    begun_ = true;
    return Step::kGoOn;
  }
  if (!refusal->no_such_job) return refuse(*refusal);
  const bool at_once = std::chrono::steady_clock::now() - asked_at < kAtOnce;
  if (!std::exchange(absent_, true)) {
    tell(Followed::Kind::kAbsent, target_.job_id);
  } else if (at_once) {
    return pause(back_off_.next_pause()) ? Step::kGoOn : Step::kEnd;  // The server did not hold it.
  }
  return Step::kGoOn;
}

// The stream goes on from the tag of the first page. It may repeat changes that later pages have
// shown.
JobFollower::Step JobFollower::begin_feed() {
  std::string cursor;
  std::size_t told = 0;
  do {
    const std::size_t wanted =
        std::clamp<std::size_t>(target_.newest_jobs - told, 1, kJobsPerPageMax);
    std::string target = "/job?limit=" + std::to_string(wanted) + target_.labels;
    if (!cursor.empty()) target += "&cursor=" + percent_encoded(cursor);
    auto reply = fetch(connection_, target);
    if (const auto* const trouble = std::get_if<Trouble>(&reply)) {
      return fail(trouble->what, trouble->retry_after);
    }
    if (const auto* const refusal = std::get_if<ServerRefusal>(&reply)) return refuse(*refusal);
    auto& document = std::get<Document>(reply);
    if (cursor.empty()) tag_ = id_of_tag(document.etag);
    const auto page = page_of(std::move(document.body));
    if (!page) return fail("the answer is not bide's", milliseconds(0));
    touch();
    if (target_.newest_jobs == 0) break;
    for (const std::string_view item : page->items) {
      tell(Followed::Kind::kState, std::string(item));
    }
    told += page->items.size();
    cursor = page->next == cursor ? "" : page->next;
  } while (!cursor.empty() && told < target_.newest_jobs && !stopped_);
  begun_ = true;
  return Step::kGoOn;
}

JobFollower::Step JobFollower::follow() {
  EventRecords records;
  Step step = Step::kGoOn;
  bool any = false;
  HttpRequest request{.method = "GET", .target = {}, .patience = kSilenceMax};
  request.target = target_.job_id.empty() ? "/job/events" : "/job/" + target_.job_id + "/events";
  if (!target_.labels.empty()) request.target += "?" + target_.labels.substr(1);
  request.fields.emplace_back("Accept", "text/event-stream");
  if (!tag_.empty()) request.fields.emplace_back("Last-Event-ID", tag_);
  request.on_body = [&](std::string_view bytes) {
    return records.feed(bytes, [&](const EventRecords::Record& record) {
      // `hello` alone is also the answer of a server that has no room or no contact with NATS.
      any = any || record.event != "hello";
      step = take_record(record.event, record.id, record.data);
      return step == Step::kGoOn && !stopped_;
    });
  };
  const auto begun_at = std::chrono::steady_clock::now();
  auto response = connection_.exchange(request);
  if (step == Step::kEnd || stopped_) return Step::kEnd;
  if (any) back_off_.reset();

  auto* const raw = std::get_if<RawReply>(&response);
  if (raw == nullptr) {
    const Reply reply = reply_of(std::move(response));
    if (const auto* const refusal = std::get_if<ServerRefusal>(&reply)) return refuse(*refusal);
    return fail(std::get<Trouble>(reply).what, milliseconds(0));
  }
  if (raw->http_status == 204) {
    tell(Followed::Kind::kOver, target_.job_id);
    return Step::kEnd;
  }
  if (raw->http_status == 200) {
    // The server restarts, or has no room.
    const bool at_once = std::chrono::steady_clock::now() - begun_at < kAtOnce;
    if (any && !at_once) return Step::kGoOn;
    return fail("the server has ended the stream", milliseconds(0));
  }
  const Reply reply = interpret(std::move(*raw));
  if (const auto* const trouble = std::get_if<Trouble>(&reply)) {
    return fail(trouble->what, trouble->retry_after);
  }
  const auto* const refusal = std::get_if<ServerRefusal>(&reply);
  if (refusal != nullptr && refusal->no_such_job && !target_.job_id.empty()) {
    if (seen_) {
      tell(Followed::Kind::kGone, target_.job_id);
      return Step::kEnd;
    }
    begun_ = false;  // Deleted before its first state came: waits for a new job of that name.
    return Step::kGoOn;
  }
  return refusal != nullptr ? refuse(*refusal) : fail("the answer is not bide's", milliseconds(0));
}

JobFollower::Step JobFollower::take_record(const std::string& event, const std::string& id,
                                           const std::string& data) {
  touch();
  if (event == "job") {
    if (!id.empty()) tag_ = id;
    seen_ = true;
    tell(Followed::Kind::kState, data);
    return Step::kGoOn;
  }
  if (event == "end" && !target_.job_id.empty()) {
    tell(Followed::Kind::kOver, target_.job_id);
    return Step::kEnd;
  }
  if (event == "gone" && !target_.job_id.empty()) {
    tell(Followed::Kind::kGone, target_.job_id);
    return Step::kEnd;
  }
  if (event == "auth-expired") {
    tell_({.kind = Followed::Kind::kRefused,
           .text = "BIDE_TOKEN has expired",
           .code = ExitCode::kAuth});
    return Step::kEnd;
  }
  return Step::kGoOn;
}

JobFollower::Step JobFollower::fail(const std::string& what, milliseconds retry_after) {
  troubled_ = true;
  if (!stopped_) tell(Followed::Kind::kTrouble, what);
  const milliseconds time = std::max(back_off_.next_pause(), back_off_.stretched(retry_after));
  return pause(time) ? Step::kGoOn : Step::kEnd;
}

JobFollower::Step JobFollower::refuse(const ServerRefusal& refusal) {
  tell_({.kind = Followed::Kind::kRefused, .text = refusal.detail, .code = exit_code_of(refusal)});
  return Step::kEnd;
}

bool JobFollower::pause(milliseconds time) {
  const TimePoint end = std::chrono::steady_clock::now() + time;
  MutexLock lock(mutex_);
  while (!stopped_ && std::chrono::steady_clock::now() < end) woken_.wait_until(mutex_, end);
  return !stopped_;
}

void JobFollower::touch() {
  if (std::exchange(troubled_, false)) tell(Followed::Kind::kTouch, {});
}

}  // namespace bide
