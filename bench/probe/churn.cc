// New connections: the cost of one with one request, and whether a burst of them is accepted.
#include <fstream>
#include <sstream>

#include "bench/probe/crowd.h"
#include "bench/probe/rows.h"
#include "bench/probe/target.h"

namespace bench {
namespace {

using namespace std::chrono_literals;
using Time = Crowd::Time;

constexpr int kRoundClients = 500;

// The kernel's count `name` of /proc/net/netstat's TcpExt: a line of names, then a line of values.
long netstat(const std::string& wanted) {
  std::ifstream file("/proc/net/netstat");
  std::string names;
  std::string values;
  while (std::getline(file, names) && std::getline(file, values)) {
    std::istringstream name_stream(names);
    std::istringstream value_stream(values);
    std::string name;
    std::string value;
    while (name_stream >> name && value_stream >> value) {
      if (name == wanted) return std::stol(value);
    }
  }
  die("the kernel does not count " + wanted);
}

void ask_all(Crowd& crowd, const std::string& request) {
  for (int i = 0; i < crowd.size(); ++i) crowd.ask(i, request);
}

}  // namespace

void measure_churn(const Options& options) {
  Target target(options);
  const bool parked = options.number("parked", 0) != 0;
  const std::vector<std::string> jobs = job_names(options, 1);
  std::string tag = target.define(jobs)[0];
  int answered = 0;
  int lost = 0;
  const auto start = std::chrono::steady_clock::now();
  const auto end = start + std::chrono::seconds(options.number("seconds", 3));
  while (std::chrono::steady_clock::now() < end) {
    Crowd crowd(kRoundClients);
    crowd.connect(target.address);
    ask_all(crowd, parked ? target.held_request(jobs[0], tag) : target.plain_request(jobs[0]));
    if (parked) target.event(jobs[0]);
    std::string newest;
    const Crowd::Counts counts = crowd.collect(
        crowd.size(), 20s,
        [&](int, const Response& response, Time) { newest = response.field("ETag"); });
    if (parked) tag = newest;
    answered += counts.answered;
    lost += crowd.size() - counts.answered;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  print("per_second", answered / took.count());
  print("lost", lost);
}

void measure_burst(const Options& options) {
  Target target(options);
  const std::vector<std::string> jobs = job_names(options, 1);
  const std::vector<std::string> tags = target.define(jobs);
  Crowd crowd(options.number("clients", 5'000));
  const long retries_before = netstat("TCPSynRetrans");
  const long overflows_before = netstat("ListenOverflows");
  const auto start = std::chrono::steady_clock::now();
  crowd.connect_burst(target.address);
  const Crowd::Counts connected = crowd.wait_connected(30s);
  ask_all(crowd, target.plain_request(jobs[0]));
  Time last = start;
  const Crowd::Counts counts =
      crowd.collect(crowd.size(), 30s, [&](int, const Response&, Time when) { last = when; });
  print("syn_retries", static_cast<double>(netstat("TCPSynRetrans") - retries_before));
  print("listen_overflows", static_cast<double>(netstat("ListenOverflows") - overflows_before));
  print("refused", connected.lost);
  print("last_ms", std::chrono::duration<double, std::milli>(last - start).count());
  print("lost", crowd.size() - counts.answered);
}

}  // namespace bench
