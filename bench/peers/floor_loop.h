// bench/peers/floor_loop.h: One thread of bench-floor, with its listening socket and connections.
//
// Thread safety: per method.
#pragma once

#include <array>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace peers {

// Every byte that is ever sent.
struct Replies {
  std::string ok;
  std::string not_modified;
  std::string no_content = "HTTP/1.1 204 No Content\r\n\r\n";
  std::string created;  // To a POST to a job's `/events`.
};
// Stores an event of the job, and answers at `fd` once it is stored.
using Report = std::function<void(int fd, std::string_view job)>;

class FloorLoop {
 public:
  // Listens on 127.0.0.1, dies if it cannot. An event reaches `all`, which is complete before
  // run(). `report` may be empty.
  FloorLoop(int port, const Replies& replies, const Report& report, std::list<FloorLoop>& all);
  // The thread's life: does not return.
  void run();
  // From any thread, never blocks for long: the job has an event.
  void tell(std::string_view job);

 private:
  using Parked = std::unordered_map<std::string, std::vector<int>>;

  void watch(int fd);
  void accept_all();
  void read(int fd);
  void answer(int fd, std::string_view head);
  void park(int fd, std::string_view job);
  void unpark(int fd);
  void wake_told();
  void send(int fd, const std::string& reply);

  const Replies& replies_;
  const Report& report_;
  std::list<FloorLoop>& all_;
  const int listener_;
  const int epoll_;
  const int told_;

  Parked parked_;                             // Lists that became empty stay.
  std::vector<Parked::value_type*> list_of_;  // By descriptor; null: not parked.
  std::array<char, 16384> buffer_;

  std::mutex mutex_;
  std::vector<std::string> jobs_told_;  // Guarded by mutex_.
};

}  // namespace peers
