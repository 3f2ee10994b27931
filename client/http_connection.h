// client/http_connection.h: A connection to a bide server, kept alive from one request to the next.
//
// Thread safety: exchange() from one thread at a time; cancel() from any.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "client/reply.h"
#include "client/server_url.h"

namespace bide {

struct HttpRequest {
  std::string method;  // GET, POST, PUT or DELETE.
  std::string target;  // Below the server's base path: `/job/build-7?wait=30s`.
  std::vector<std::pair<std::string, std::string>> fields{};
  std::string body{};  // JSON; empty: none.
  // How long connecting, and how long each further step may take.
  std::chrono::milliseconds patience{10'000};
  // Called with the pieces of the body of a 200 as they arrive; RawReply::body stays empty then. If
  // it returns false, the exchange ends and returns Trouble. Null: RawReply::body gets the body.
  std::function<bool(std::string_view)> on_body{};
};

class HttpConnection {
 public:
  // `token`: for `Authorization: Bearer`, must be is_safe_token(); empty: none. `cacert`: a PEM
  // file with CA certificates for an https server; empty: the system's store. The certificate is
  // always verified.
  HttpConnection(const ServerUrl& server, const std::string& token, const std::string& cacert);
  ~HttpConnection();

  // Blocks until there is a response. ServerRefusal: the certificate cannot be verified. Trouble:
  // no response came, and the server may have received the request or not.
  [[nodiscard]] std::variant<RawReply, ServerRefusal, Trouble> exchange(const HttpRequest& request);
  // Makes a running exchange() return Trouble. It does not affect one that is about to begin.
  void cancel();

 private:
  class Client;  // Hides httplib.h, which takes long to compile.
  enum class Failure : std::uint8_t { kConnect, kConnectInTime, kTls, kLost };
  // For a person: the cause, and what to do about it.
  [[nodiscard]] std::string describe(Failure failure) const;

  const ServerUrl server_;
  const std::string server_text_;
  const bool has_token_;
  bool answered_ = false;  // There was a response.
  std::unique_ptr<Client> client_;
};

// What exchange() returned, as the reply to a question about one job.
[[nodiscard]] Reply reply_of(std::variant<RawReply, ServerRefusal, Trouble> response);

}  // namespace bide
