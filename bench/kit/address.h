// bench/kit/address.h: The address of the measured server, and sockets to it.
//
// Thread safety: values and pure functions.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bench {

// Prints `<program>: <why>` to stderr and exits with 1: a measurement that failed has no result.
[[noreturn]] void die(const std::string& why);

class Address {
 public:
  // `127.0.0.1:8080` or `[::1]:8080`; dies otherwise. Numbers only: a name could be looked up again
  // in the middle of a measurement.
  explicit Address(std::string_view host_and_port);
  // The same; nullopt instead of dying.
  [[nodiscard]] static std::optional<Address> parse(std::string_view host_and_port);

  // A connected socket, TCP_NODELAY. Dies if nobody listens.
  [[nodiscard]] int dial() const;
  // A non-blocking socket whose connect is under way: writable once it is done.
  [[nodiscard]] int dial_begin() const;
  // The same; -1 and errno instead of dying, for clients that come back later.
  [[nodiscard]] int try_dial_begin() const;

 private:
  Address() = default;
  [[nodiscard]] int open(int flags) const;

  sockaddr_storage address_{};
  socklen_t size_ = 0;
};

// Raises the limit of descriptors to what the kernel allows; dies where it is below `wanted`.
void need_descriptors(std::size_t wanted);

}  // namespace bench
