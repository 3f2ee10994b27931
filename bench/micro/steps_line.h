// bench/micro/steps_line.h: A client's connection, with TLS or without, on blocking sockets.
//
// Thread safety: none; one thread.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

namespace bide::bench {

class Line {
 public:
  // Connects to the listening socket, of which this process has a copy. `tls`: null for none. ok()
  // says whether it stands.
  Line(int listening, SSL_CTX* tls);
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool send(std::string_view bytes);
  // Waits until `end` has come, and returns all bytes up to its end. Empty: it did not come.
  [[nodiscard]] std::string read_until(std::string_view end);
  // A whole response; empty: none came.
  [[nodiscard]] std::string ask(std::string_view request);

 private:
  [[nodiscard]] bool read_more();

  int fd_;
  bool ok_ = false;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_{nullptr, SSL_free};
  std::string received_;
};

}  // namespace bide::bench
