#include "client/reporter.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <random>
#include <system_error>
#include <utility>

namespace bide {
namespace {

std::string name_of(const Report& report) {
  const auto* const event = std::get_if<NewEvent>(&report.what);
  return event == nullptr ? "the definition" : "`" + std::string(event->word()) + "`";
}

}  // namespace

Reporter::Reporter(std::function<std::unique_ptr<ReportSender>()> make_sender)
    : done_fd_(::eventfd(0, EFD_CLOEXEC)), retry_(std::random_device()()) {
  if (done_fd_ < 0) throw std::system_error(errno, std::generic_category());
  thread_ = std::thread([this, make = std::move(make_sender)] { work(make); });
}

Reporter::~Reporter() {
  thread_.join();
  ::close(done_fd_);
}

void Reporter::add(Report report) {
  MutexLock lock(mutex_);
  waiting_.push_back(std::move(report));
  added_.notify_all();
}

void Reporter::finish(TimePoint deadline) {
  retry_.set_deadline(deadline);
  MutexLock lock(mutex_);
  finished_ = true;
  added_.notify_all();
}

std::string Reporter::complaint() {
  MutexLock lock(mutex_);
  if (unsent_.empty() && !waiting_.empty()) unsent_ = name_of(waiting_.front());
  if (!unsent_.empty()) {
    return unsent_ + " is not known to be stored" + (trouble_.empty() ? "" : ": " + trouble_);
  }
  return refused_;
}

void Reporter::work(const std::function<std::unique_ptr<ReportSender>()>& make_sender) {
  try {
    const std::unique_ptr<ReportSender> sender = make_sender();
    while (const auto report = next()) {
      const WriteReply reply = retry_.run(
          [&](std::chrono::milliseconds patience) { return sender->send(*report, patience); },
          [&](const Trouble& trouble) {
            MutexLock lock(mutex_);
            trouble_ = trouble.what;
          });
      if (std::holds_alternative<Trouble>(reply)) break;
      if (const auto* const refusal = std::get_if<ServerRefusal>(&reply))
        on_refused(*report, *refusal);
      MutexLock lock(mutex_);
      unsent_.clear();
    }
  } catch (const std::exception& error) {  // Out of memory. The command does not notice.
    MutexLock lock(mutex_);
    if (unsent_.empty()) unsent_ = "a report";
    trouble_ = error.what();
  }
  const std::uint64_t one = 1;
  static_cast<void>(::write(done_fd_, &one, sizeof one) == sizeof one);
}

std::optional<Report> Reporter::next() {
  MutexLock lock(mutex_);
  while (waiting_.empty() && !finished_) {
    added_.wait_until(mutex_, std::chrono::steady_clock::now() + std::chrono::hours(1));
  }
  if (waiting_.empty()) return std::nullopt;
  Report report = std::move(waiting_.front());
  waiting_.pop_front();
  unsent_ = name_of(report);
  trouble_.clear();
  return report;
}

// A job that somebody else has defined otherwise is that job all the same, unless labels are lost.
void Reporter::on_refused(const Report& report, const ServerRefusal& refusal) {
  const auto* const definition = std::get_if<NewDefinition>(&report.what);
  if (definition != nullptr && definition->labels.empty() && refusal.http_status == 409) return;
  MutexLock lock(mutex_);
  if (refused_.empty()) refused_ = name_of(report) + " is not stored: " + refusal.detail;
}

}  // namespace bide
