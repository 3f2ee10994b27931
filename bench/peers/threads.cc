// bench-threads: long polling with cpp-httplib 0.11.4 as it comes, the way its examples suggest: a
// handler that has to wait waits, on the condition variable of its job, and with it a thread of the
// pool. bide's design started from the question of how much this costs.
//
// The library's defaults are changed only where such a service needs it: enough threads, requests
// per connection, TCP_NODELAY, and as long an idle time as bide allows, since a client that parks a
// crowd takes longer than 5 s over it. The backlog of 5 is compiled into the library; routes as
// regular expressions, parser and writer are the library's.
#include <httplib.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "bench/peers/command_line.h"

namespace peers {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kMaxWait(55);
constexpr std::chrono::seconds kIdle(75);

// One job. Its representation is as long as bide's after one event.
//
// Thread safety: all methods from any thread.
class Job {
 public:
  explicit Job(std::string id) : id_(std::move(id)) { change(); }

  void change();

  struct Seen {
    std::string tag;
    std::string body;
  };
  // Blocks while the job's entity tag is among `tags`, until `deadline`. What it is then.
  [[nodiscard]] Seen wait_changed(const std::string& tags, Clock::time_point deadline);

 private:
  const std::string id_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t revision_ = 0;  // This and the next: guarded by mutex_.
  Seen now_;
};

bool matches(const std::string& tags, const std::string& tag) {
  return tags.find(tag) != tags.npos;
}

void Job::change() {
  {
    const std::lock_guard lock(mutex_);
    const std::string revision = std::to_string(++revision_);
    now_.tag = '"' + revision + '"';
    now_.body = R"({"id":")" + id_ +
                R"(","status":"processing","final":false,"created":"2026-01-01T00:00:00Z",)"
                R"("updated_at":"2026-01-01T00:00:00.000000000Z","operation":{"type":"build",)"
                R"("target":"release","branch":"main"},"agent_states":{"agent-1":{"status":)"
                R"("started"}},"timeline":[{"timestamp":"2026-01-01T00:00:00.000000000Z","event":)"
                R"("started","hostname":"agent-1","message":"started on agent-1"}],"revision":)" +
                revision + '}';
  }
  changed_.notify_all();
}

Job::Seen Job::wait_changed(const std::string& tags, Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline, [&] { return !matches(tags, now_.tag); });
  return now_;
}

// Thread safety: all methods from any thread.
class Jobs {
 public:
  // Null: there is no such job.
  [[nodiscard]] std::shared_ptr<Job> find(const std::string& id) {
    const std::shared_lock lock(mutex_);
    const auto found = jobs_.find(id);
    return found == jobs_.end() ? nullptr : found->second;
  }

  // Bumps its revision, or makes it.
  void change(const std::string& id) {
    if (const auto job = find(id)) return job->change();
    const std::lock_guard lock(mutex_);
    jobs_.try_emplace(id, std::make_shared<Job>(id));
  }

 private:
  std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<Job>> jobs_;
};

// `wait=55s` or `wait=55`; zero when absent or not understood.
std::chrono::seconds asked_wait(const httplib::Request& request) {
  const std::string text = request.get_param_value("wait");
  int seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return std::clamp(std::chrono::seconds(seconds), std::chrono::seconds(0), kMaxWait);
}

void get_job(Jobs& jobs, const httplib::Request& request, httplib::Response& response) {
  const std::shared_ptr<Job> job = jobs.find(request.matches[1]);
  if (!job) {
    response.status = 404;
    return;
  }
  const std::string tags = request.get_header_value("If-None-Match");
  const Job::Seen seen = job->wait_changed(tags, Clock::now() + asked_wait(request));
  response.set_header("ETag", seen.tag);
  response.set_header("Cache-Control", "private, no-cache");
  response.set_header("Vary", "Accept");
  if (matches(tags, seen.tag)) {
    response.status = 304;
  } else {
    response.set_content(seen.body, "application/json");
  }
}

void add_routes(httplib::Server& server, Jobs& jobs) {
  server.Get("/livez", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("ok", "text/plain");
  });
  server.Get("/job/([A-Za-z0-9_-]+)",
             [&jobs](const httplib::Request& request, httplib::Response& response) {
               get_job(jobs, request, response);
             });
  server.Post("/job/([A-Za-z0-9_-]+)",
              [&jobs](const httplib::Request& request, httplib::Response& response) {
                jobs.change(request.matches[1]);
                response.status = 204;
              });
}

}  // namespace
}  // namespace peers

int main(int argc, char** argv) {
  const peers::CommandLine options(argc, argv, {"--listen", "--threads"});
  peers::raise_descriptor_limit();
  const auto threads = static_cast<std::size_t>(options.number("--threads", 10'050));
  peers::Jobs jobs;
  httplib::Server server;
  server.new_task_queue = [threads] {
    auto* pool = new httplib::ThreadPool(threads);
    peers::say_listening();
    return pool;
  };
  server.set_keep_alive_max_count(1'000'000'000);
  server.set_keep_alive_timeout(peers::kIdle.count());
  server.set_tcp_nodelay(true);
  peers::add_routes(server, jobs);
  if (!server.bind_to_port("127.0.0.1", options.free_port())) peers::die("cannot listen");
  server.listen_after_bind();
}
