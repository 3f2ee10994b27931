#include "bench/probe/target.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

namespace bench {
namespace {

using namespace std::chrono_literals;

void send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0) die("the server closed the probe's connection");
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace

Target::Target(const Options& options)
    : address(options.text("server", "127.0.0.1:8080")),
      process(options.pids()),
      kind_(options.text("kind", "bide")),
      over_http_(options.text("over", "nats") == "http"),
      fd_(address.dial()) {
  const std::string nats = options.text("nats");
  if (kind_ == "bide" || kind_ == "echo") bucket_ = std::make_unique<JobBucket>(nats, "job-queue");
}

Target::~Target() { ::close(fd_); }

std::vector<std::string> Target::define(const std::vector<std::string>& jobs) {
  for (const std::string& job : jobs) bucket_ ? bucket_->define(job) : post(job);
  flush();
  std::vector<std::string> tags;
  tags.reserve(jobs.size());
  if (kind_ == "nchan") return std::vector<std::string>(jobs.size());
  for (const std::string& job : jobs) tags.push_back(wait_for_tag(job));
  return tags;
}

std::string Target::held_request(const std::string& job, const std::string& tag) const {
  if (kind_ == "nchan") return "GET /sub/" + job + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  return "GET /job/" + job + "?wait=55s HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: " + tag +
         "\r\n\r\n";
}

std::string Target::plain_request(const std::string& job) const {
  const std::string path = kind_ == "nchan" ? "/static" : "/job/" + job;
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

void Target::event(const std::string& job) {
  if (!bucket_) return post(job);
  if (over_http_) return send_all(fd_, post_request(job));
  bucket_->event(job, "started", "agent-1", std::chrono::system_clock::now());
}

void Target::finish_event() {
  if (!bucket_ || !over_http_) return;
  const Response response = answer();
  if (response.status / 100 != 2) die("the event was refused: " + std::string(response.head));
}

void Target::flush() {
  if (bucket_) bucket_->flush();
}

std::string Target::post_request(const std::string& job) const {
  const std::string end = "Host: localhost\r\nContent-Length: ";
  if (bucket_) {
    const std::string body = "started&agent=agent-1";
    return "POST /job/" + job + "/events HTTP/1.1\r\nPrefer: return=minimal\r\n" +
           "Content-Type: application/x-www-form-urlencoded\r\n" + end +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  const std::string path = kind_ == "nchan" ? "/pub/" + job : "/job/" + job;
  // As long a message as a job's representation after its first event.
  const std::string body = kind_ == "nchan" ? std::string(420, 'x') : std::string();
  return "POST " + path + " HTTP/1.1\r\n" + end + std::to_string(body.size()) + "\r\n\r\n" + body;
}

void Target::post(const std::string& job) {
  const Response response = ask(post_request(job));
  if (response.status / 100 != 2) die("the event was refused: " + std::string(response.head));
}

Response Target::ask(const std::string& request) {
  send_all(fd_, request);
  return answer();
}

Response Target::answer() {
  std::array<char, 65536> buffer;
  for (;;) {
    if (const auto response = reader_.take()) return *response;
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (got <= 0) die("the server closed the probe's connection");
    reader_.feed({buffer.data(), static_cast<std::size_t>(got)});
  }
}

std::string Target::wait_for_tag(const std::string& job) {
  for (int attempt = 0; attempt < 2000; ++attempt) {
    const Response response = ask(plain_request(job));
    if (response.status == 200) return std::string(response.field("ETag"));
    std::this_thread::sleep_for(10ms);
  }
  die("the server does not know the job " + job);
}

void park_all(Target& target, Crowd& crowd, const std::vector<std::string>& jobs,
              const std::vector<std::string>& tags) {
  crowd.connect(target.address);
  for (int i = 0; i < crowd.size(); ++i) {
    const std::size_t job = static_cast<std::size_t>(i) % jobs.size();
    if (!crowd.ask(i, target.held_request(jobs[job], tags[job]))) die("cannot ask");
  }
  target.process.wait_quiet();
}

std::vector<std::string> job_names(const Options& options, int count) {
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(count));
  const std::string prefix = options.text("prefix", "p" + std::to_string(::getpid()) + "-");
  for (int i = 0; i < count; ++i) names.push_back(prefix + std::to_string(i));
  return names;
}

}  // namespace bench
