// bench/probe/crowd.h: Many clients on one thread, each with a connection and one request at a
// time.
//
// Thread safety: none; the probe's main thread.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "bench/kit/address.h"
#include "bench/kit/response_reader.h"

namespace bench {

class Crowd {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Counts {
    int answered = 0;
    int lost = 0;  // Closed by the server without an answer.
  };

  explicit Crowd(int clients);
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  // Connects all, one after the other: a crowd that is to be parked, not a burst.
  void connect(const Address& address);
  // Begins to connect all at once.
  void connect_burst(const Address& address);
  void disconnect();
  // Sends a request on one connection. False: the server has closed it.
  bool ask(int client, const std::string& request);

  // Called for every complete response, with the time it was read.
  using OnAnswer = std::function<void(int client, const Response& response, Time when)>;
  // Reads until `wanted` clients have been answered or lost, or `patience` is over.
  Counts collect(int wanted, std::chrono::milliseconds patience, const OnAnswer& on_answer);
  // Blocks until `wanted` connects of a burst have been decided.
  Counts wait_connected(std::chrono::milliseconds patience);

  [[nodiscard]] int size() const { return static_cast<int>(clients_.size()); }

 private:
  struct Client {
    int fd = -1;
    ResponseReader reader;
  };
  void watch(int client, int fd, std::uint32_t events);
  // Reads what is there; adds to `counts`.
  void read(int client, Time when, Counts& counts, const OnAnswer& on_answer);
  void close(int client);

  std::vector<Client> clients_;
  int epoll_ = -1;
};

}  // namespace bench
