// bench/wake.cc: Holds N requests on a running bide, wakes them through NATS, and tells what that
// took: user memory a request, threads, and time from the event to the last answer.
//
//   bide-wake --server 127.0.0.1:8080 --pid PID --nats-url-file FILE [--clients 10000] [--jobs 1]
//
// With --jobs 1 all wait for one job (fan-out); with --jobs N each for its own (storm).
#include <arpa/inet.h>
#include <nats/nats.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "bide-wake: %s\n", why.c_str());
  std::exit(1);
}

struct Options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  std::string pid;
  std::string nats_url_file;
  int clients = 10'000;
  int jobs = 1;
};

Options parse(int argc, char** argv) {
  std::map<std::string, std::string> given;
  for (int i = 1; i + 1 < argc; i += 2) given[argv[i]] = argv[i + 1];
  Options options;
  const std::string server = given.count("--server") != 0 ? given["--server"] : "127.0.0.1:8080";
  const std::size_t colon = server.rfind(':');
  if (colon == std::string::npos) die("--server is HOST:PORT");
  options.host = server.substr(0, colon);
  options.port = static_cast<std::uint16_t>(std::stoi(server.substr(colon + 1)));
  options.pid = given["--pid"];
  options.nats_url_file = given["--nats-url-file"];
  if (given.count("--clients") != 0) options.clients = std::stoi(given["--clients"]);
  if (given.count("--jobs") != 0) options.jobs = std::stoi(given["--jobs"]);
  if (options.nats_url_file.empty()) die("--nats-url-file is missing");
  return options;
}

// Proportional set size in KiB: user memory of the process, as the kernel accounts it.
long pss_kib(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/smaps_rollup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("Pss:")) return std::stol(line.substr(4));
  }
  return 0;
}

long threads_of(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("Threads:")) return std::stol(line.substr(8));
  }
  return 0;
}

int dial(const Options& options) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options.port);
  ::inet_pton(AF_INET, options.host.c_str(), &address.sin_addr);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    die("cannot connect to " + options.host + ":" + std::to_string(options.port));
  }
  return fd;
}

std::string ask(const Options& options, const std::string& path) {
  const int fd = dial(options);
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  if (::send(fd, request.data(), request.size(), 0) < 0) die("cannot send");
  std::string answer;
  std::array<char, 65536> buffer;
  for (ssize_t got = 0; (got = ::recv(fd, buffer.data(), buffer.size(), 0)) > 0;) {
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(fd);
  return answer;
}

long metric(const Options& options, const std::string& name) {
  const std::string text = ask(options, "/metrics");
  const std::size_t at = text.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::stol(text.substr(at + name.size() + 2));
}

void wait_metric(const Options& options, const std::string& name, long value) {
  const auto end = Clock::now() + std::chrono::seconds(60);
  while (metric(options, name) < value) {
    if (Clock::now() > end) die(name + " did not reach " + std::to_string(value));
    ::usleep(20'000);
  }
}

class Bucket {
 public:
  explicit Bucket(const std::string& url_file) {
    std::ifstream file(url_file);
    std::string url;
    std::getline(file, url);
    if (natsConnection_ConnectTo(&connection_, url.c_str()) != NATS_OK) die("cannot reach NATS");
  }
  ~Bucket() { natsConnection_Destroy(connection_); }

  void define(const std::string& job) {
    put("jobs." + job, "{\"id\":\"" + job + "\",\"created\":\"2026-01-01T00:00:00Z\"}");
  }
  void complete(const std::string& job) {
    put("status." + job + ".completed.bench.1",
        "{\"job_id\":\"" + job +
            "\",\"event\":\"completed\",\"hostname\":\"bench\",\"timestamp\":"
            "\"2026-01-01T00:00:01Z\",\"unix_nano\":1}");
  }
  void flush() {
    if (natsConnection_Flush(connection_) != NATS_OK) die("NATS does not answer");
  }

 private:
  void put(const std::string& key, const std::string& value) {
    const std::string subject = "$KV.job-queue." + key;
    natsConnection_Publish(connection_, subject.c_str(), value.data(),
                           static_cast<int>(value.size()));
  }
  natsConnection* connection_ = nullptr;
};

// Reads until every client has its answer; when the first and the last came, after `start`.
std::pair<double, double> collect(const std::vector<int>& fds, Clock::time_point start) {
  const int epoll = ::epoll_create1(0);
  for (const int fd : fds) {
    epoll_event event{EPOLLIN | EPOLLONESHOT, {.fd = fd}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
  std::array<epoll_event, 512> events;
  std::array<char, 4096> buffer;
  std::pair<double, double> times{0, 0};
  for (std::size_t answered = 0; answered < fds.size();) {
    const int count = ::epoll_wait(epoll, events.data(), events.size(), 30'000);
    if (count <= 0) die("only " + std::to_string(answered) + " answers within 30 s");
    for (int i = 0; i < count; ++i) {
      const ssize_t got =
          ::recv(events[static_cast<std::size_t>(i)].data.fd, buffer.data(), buffer.size(), 0);
      const std::string_view answer(buffer.data(),
                                    static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      if (!answer.starts_with("HTTP/1.1 200 ") ||
          answer.find("Bide-Status: completed") == answer.npos) {
        die("a wrong answer: " + std::string(answer.substr(0, 200)));
      }
      ++answered;
    }
    times.second = std::chrono::duration<double>(Clock::now() - start).count();
    if (times.first == 0) times.first = times.second;
  }
  ::close(epoll);
  return times;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  Bucket bucket(options.nats_url_file);
  const std::string prefix = "wake-" + std::to_string(::getpid()) + "-";
  const long jobs_before = metric(options, "bide_jobs");
  for (int i = 0; i < options.jobs; ++i) bucket.define(prefix + std::to_string(i));
  bucket.flush();
  wait_metric(options, "bide_jobs", jobs_before + options.jobs);

  const long parked_before = metric(options, "bide_parked");
  const long memory_before = options.pid.empty() ? 0 : pss_kib(options.pid);
  const long threads_before = options.pid.empty() ? 0 : threads_of(options.pid);
  std::vector<int> fds;
  for (int i = 0; i < options.clients; ++i) {
    fds.push_back(dial(options));
    const std::string request = "GET /job/" + prefix + std::to_string(i % options.jobs) +
                                "?until=done&wait=55s HTTP/1.1\r\nHost: bench\r\n\r\n";
    if (::send(fds.back(), request.data(), request.size(), 0) < 0) die("cannot send");
  }
  wait_metric(options, "bide_parked", parked_before + options.clients);
  if (!options.pid.empty()) {
    const long memory = pss_kib(options.pid) - memory_before;
    std::printf("parked %d on %d jobs: %.0f bytes of user memory a request, threads %ld -> %ld\n",
                options.clients, options.jobs, static_cast<double>(memory) * 1024 / options.clients,
                threads_before, threads_of(options.pid));
  }
  const auto start = Clock::now();
  for (int i = 0; i < options.jobs; ++i) bucket.complete(prefix + std::to_string(i));
  bucket.flush();
  const auto [first, last] = collect(fds, start);
  std::printf("woken: first answer after %.4f s, last after %.4f s\n", first, last);
  return 0;
}
