#include "client/http_connection.h"

#include <httplib.h>
#include <openssl/err.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "client/tls_trust.h"
#include "client/unix_socket.h"
#include "client/unreachable.h"

namespace bide {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kConnectMax{5000};
// The limits of a job bound its representation. This limit stops only servers that are not bide.
constexpr std::size_t kBodyBytesMax = 256U << 20;

RawReply head_of(const httplib::Response& response) {
  return RawReply{.http_status = response.status,
                  .job_status = response.get_header_value("Bide-Status"),
                  .job_final = response.get_header_value("Bide-Final"),
                  .outcome = response.get_header_value("Bide-Outcome"),
                  .etag = response.get_header_value("ETag"),
                  .retry_after = response.get_header_value("Retry-After"),
                  .location = response.get_header_value("Location"),
                  .cure = {},
                  .body = {}};
}

// What the user can do about a refusal. Empty: its detail says it all.
std::string_view cure_of(int http_status, bool reads, bool has_token) {
  switch (http_status) {
    case 401:
      return has_token ? "BIDE_TOKEN needs a token that is valid there" : "BIDE_TOKEN is not set";
    case 403:
      if (reads) return has_token ? "BIDE_TOKEN needs a token that permits it" : "";
      return has_token ? "the token in BIDE_TOKEN must have job:write, and for this job"
                       : "without a token bide takes writes from its own machine only";
    case 405:
      return reads ? "" : "is bide serve running with --read-only, or too old to take writes?";
    default:
      return "";
  }
}

// OpenSSL's first error in this exchange; later ones come from closing the connection. Empty: none.
std::string tls_reason() {
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  return reason == nullptr ? "" : reason;
}

// httplib's client over a Unix socket: version 0.11.4 itself has TCP only.
class UnixClient final : public httplib::ClientImpl {
 public:
  explicit UnixClient(const std::string& path) : ClientImpl("localhost"), path_(path) {}

 private:
  bool create_and_connect_socket(Socket& socket, httplib::Error& error) override {
    const int trouble = connect_to_unix(path_, socket.sock);
    if (trouble == 0) return true;
    socket.sock = INVALID_SOCKET;
    error = trouble == EAGAIN ? httplib::Error::ConnectionTimeout : httplib::Error::Connection;
    return false;
  }

  const std::string path_;
};

}  // namespace

class HttpConnection::Client {
 public:
  Client(const ServerUrl& server, const std::string& token, const std::string& cacert) {
    if (server.tls) {
      auto client = std::make_unique<httplib::SSLClient>(server.host, server.port);
      client->enable_server_certificate_verification(false);  // The handshake verifies.
      trust_ = std::make_unique<TlsTrust>(client->ssl_context(), server.host, cacert);
      client_ = std::move(client);
    } else if (!server.socket.empty()) {
      client_ = std::make_unique<UnixClient>(server.socket);
    } else {
      client_ = std::make_unique<httplib::ClientImpl>(server.host, server.port);
    }
    client_->set_keep_alive(true);
    client_->set_tcp_nodelay(true);
    client_->set_url_encode(false);       // The base path is used as given.
    client_->set_follow_location(false);  // The token is for this server only.
    headers_.emplace("Accept-Encoding", "identity");
    headers_.emplace("User-Agent", "bide");
    if (!token.empty()) headers_.emplace("Authorization", "Bearer " + token);
  }

  // nullopt: no response; `error` says why.
  std::optional<RawReply> send(const std::string& path, const HttpRequest& request,
                               httplib::Error& error) {
    client_->set_connection_timeout(std::min(request.patience, kConnectMax));
    client_->set_read_timeout(request.patience);
    client_->set_write_timeout(request.patience);
    if (trust_ != nullptr) trust_->reset();

    std::optional<RawReply> reply;
    std::string body;
    httplib::Request raw;
    raw.method = request.method;
    raw.path = path;
    raw.headers = headers_;
    for (const auto& [name, value] : request.fields) raw.headers.emplace(name, value);
    if (!request.body.empty()) raw.headers.emplace("Content-Type", "application/json");
    raw.body = request.body;
    // httplib 0.11.4 waits for the body of a 304, which never comes, until the read timeout. To
    // stop it after the head costs a new connection for each 304: one in 25 s.
    raw.response_handler = [&](const httplib::Response& response) {
      reply = head_of(response);
      return response.status != 304;
    };
    raw.content_receiver = [&](const char* bytes, std::size_t count, std::uint64_t, std::uint64_t) {
      if (request.on_body && reply && reply->http_status == 200) {
        return request.on_body({bytes, count});
      }
      if (body.size() + count > kBodyBytesMax) return false;
      body.append(bytes, count);
      return true;
    };
    httplib::Response response;
    const bool complete = client_->send(raw, response, error);
    if (complete && !reply)
      reply = head_of(response);  // It had no body, and no handler was called.
    if (!reply || (!complete && reply->http_status != 304)) return std::nullopt;
    reply->body = std::move(body);
    return reply;
  }

  void stop() { client_->stop(); }
  // Why the server's certificate was refused; empty: it was not, or there was none.
  [[nodiscard]] std::string_view distrust() const {
    return trust_ == nullptr ? std::string_view() : trust_->complaint();
  }

 private:
  std::unique_ptr<TlsTrust> trust_;
  std::unique_ptr<httplib::ClientImpl> client_;
  httplib::Headers headers_;
};

HttpConnection::HttpConnection(const ServerUrl& server, const std::string& token,
                               const std::string& cacert)
    : server_(server),
      server_text_(text_of(server)),
      has_token_(!token.empty()),
      client_(std::make_unique<Client>(server, token, cacert)) {}

HttpConnection::~HttpConnection() = default;

std::variant<RawReply, ServerRefusal, Trouble> HttpConnection::exchange(
    const HttpRequest& request) {
  httplib::Error error = httplib::Error::Success;
  ERR_clear_error();
  auto raw = client_->send(server_.base_path + request.target, request, error);
  if (raw) {
    answered_ = true;
    raw->cure = cure_of(raw->http_status, request.method == "GET", has_token_);
    return std::move(*raw);
  }
  if (const std::string_view why = client_->distrust(); !why.empty()) {
    return ServerRefusal{
        0, "the certificate of " + server_text_ + " does not verify: " + std::string(why)};
  }
  switch (error) {
    case httplib::Error::Connection:
    case httplib::Error::BindIPAddress:
      return Trouble{describe(Failure::kConnect), {}};
    case httplib::Error::ConnectionTimeout:
      return Trouble{describe(Failure::kConnectInTime), {}};
    case httplib::Error::SSLConnection:
      return Trouble{describe(Failure::kTls), {}};
    default:
      return Trouble{describe(Failure::kLost), {}};
  }
}

std::string HttpConnection::describe(Failure failure) const {
  std::string why;
  switch (failure) {
    case Failure::kConnect:
      why = server_.socket.empty() ? why_unreachable(server_.host, server_.port)
                                   : why_unreachable(server_.socket);
      break;
    case Failure::kConnectInTime:
      why = "no answer in time (is the address right, and no firewall between?)";
      break;
    case Failure::kTls:
      why = tls_reason();
      if (why == "wrong version number") why += " (no TLS there: does the URL begin with http://?)";
      why = "the TLS handshake failed" + (why.empty() ? why : ": " + why);
      break;
    case Failure::kLost:
      why = tls_reason();
      if (why.find("certificate required") != std::string::npos) {
        why += " (it wants a client certificate, which this command cannot send)";
      } else if (!server_.tls && server_.socket.empty() && !answered_) {
        why = "no answer (is it TLS there, and the URL begins with https://?)";
      }
      break;
  }
  const std::string what =
      (failure == Failure::kLost ? "lost the connection to " : "cannot connect to ") + server_text_;
  return why.empty() ? what : what + ": " + why;
}

void HttpConnection::cancel() { client_->stop(); }

Reply reply_of(std::variant<RawReply, ServerRefusal, Trouble> response) {
  if (auto* const raw = std::get_if<RawReply>(&response)) return interpret(std::move(*raw));
  if (auto* const refusal = std::get_if<ServerRefusal>(&response)) return std::move(*refusal);
  return std::get<Trouble>(std::move(response));
}

}  // namespace bide
