// bench-floor: holding requests and answering them on an event, with next to no work of its own.
// More than nine tenths of its processor time are the kernel's, so the user time that a real server
// takes beyond it is that server's own work. It bounds work, not the clock: see README.md.
//
// Each thread has a listening socket of its own (SO_REUSEPORT) and an epoll of its own, so threads
// share nothing but the queue by which an event reaches all of them. A request is one recv, two
// or three searches in its bytes and one send of bytes that were laid out at the start.
//
// It is a floor because it leaves out work that a server cannot leave out: it does not parse (a
// head has to come in one piece, fields are recognised by their usual spelling, bodies are
// dropped), compares no entity tags, keeps no jobs (each one exists; an event between two requests
// of a client is lost), has no deadlines (a held request waits for its event for ever), no limits,
// and no second try for a socket that does not take all at once.
//
// With --nats it also stores events of jobs: it publishes them without waiting, and the thread of
// nats.c that gets the acknowledgement sends the answer.
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/kit/job_bucket.h"
#include "bench/peers/command_line.h"
#include "bench/peers/floor_loop.h"

namespace peers {
namespace {

// `start` and fields, padded to `bytes` together with `body`.
std::string lay_out(std::string start, const std::string& body, int bytes) {
  start.append("ETag: \"floor\"\r\nX-Pad: ");
  const std::string end = "\r\n\r\n" + body;
  const std::size_t least = start.size() + end.size();
  const auto wanted = static_cast<std::size_t>(bytes);
  if (wanted < least) die("a response has at least " + std::to_string(least) + " bytes");
  return start.append(wanted - least, 'x').append(end);
}

Replies lay_out_replies(const CommandLine& options) {
  constexpr int kQuotes = 2;
  const int body_bytes = std::max(options.number("--body-bytes", 399), kQuotes);
  const std::string body =
      '"' + std::string(static_cast<std::size_t>(body_bytes - kQuotes), 'x') + '"';
  Replies replies;
  replies.ok = lay_out("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                           std::to_string(body.size()) + "\r\n",
                       body, options.number("--ok-bytes", 711));
  replies.not_modified =
      lay_out("HTTP/1.1 304 Not Modified\r\n", "", options.number("--not-modified-bytes", 244));
  replies.created = lay_out("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n", "",
                            options.number("--created-bytes", 430));
  return replies;
}

// The bucket lives as long as the function.
Report reports_to(const std::string& nats_url, const std::string& created) {
  const auto answer = [&created](std::uint64_t fd, std::uint64_t revision) {
    if (revision == 0) die("an event was refused");
    ::send(static_cast<int>(fd), created.data(), created.size(), MSG_NOSIGNAL);
  };
  const auto bucket = std::make_shared<bench::JobBucket>(nats_url, "job-queue", answer);
  return [bucket](int fd, std::string_view job) {
    bucket->event(job, "started", "agent-1", std::chrono::system_clock::now(),
                  static_cast<std::uint64_t>(fd));
  };
}

}  // namespace
}  // namespace peers

int main(int argc, char** argv) {
  const peers::CommandLine options(argc, argv,
                                   {"--listen", "--threads", "--ok-bytes", "--body-bytes",
                                    "--not-modified-bytes", "--created-bytes", "--nats"});
  peers::raise_descriptor_limit();
  const peers::Replies replies = peers::lay_out_replies(options);
  const std::string nats_url = options.text("--nats");
  const peers::Report report =
      nats_url.empty() ? peers::Report() : peers::reports_to(nats_url, replies.created);
  const int port = options.free_port();
  std::list<peers::FloorLoop> loops;
  for (int i = std::max(options.number("--threads", 2), 1); i > 0; --i) {
    loops.emplace_back(port, replies, report, loops);
  }
  std::vector<std::jthread> threads;
  for (peers::FloorLoop& loop : loops) threads.emplace_back([&loop] { loop.run(); });
  peers::say_listening();
}
