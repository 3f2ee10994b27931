#include "client/http_connection.h"

#include <httplib.h>

#include <algorithm>
#include <optional>

#include "client/tls_trust.h"

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
                  .body = {}};
}

}  // namespace

class HttpConnection::Client {
 public:
  Client(const ServerUrl& server, const std::string& token, const std::string& cacert) {
    if (server.tls) {
      auto client = std::make_unique<httplib::SSLClient>(server.host, server.port);
      client->enable_server_certificate_verification(false);  // The handshake verifies.
      trust_ = std::make_unique<TlsTrust>(client->ssl_context(), server.host, cacert);
      client_ = std::move(client);
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
    : server_text_(text_of(server)),
      base_path_(server.base_path),
      client_(std::make_unique<Client>(server, token, cacert)) {}

HttpConnection::~HttpConnection() = default;

std::variant<RawReply, Refusal, Trouble> HttpConnection::exchange(const HttpRequest& request) {
  httplib::Error error = httplib::Error::Success;
  auto raw = client_->send(base_path_ + request.target, request, error);
  if (raw) return std::move(*raw);
  if (const std::string_view why = client_->distrust(); !why.empty()) {
    return Refusal{0,
                   "the certificate of " + server_text_ + " does not verify: " + std::string(why)};
  }
  switch (error) {
    case httplib::Error::Connection:
    case httplib::Error::BindIPAddress:
    case httplib::Error::SSLConnection:
      return Trouble{"cannot connect to " + server_text_, {}};
    default:
      return Trouble{"lost the connection to " + server_text_, {}};
  }
}

void HttpConnection::cancel() { client_->stop(); }

Reply reply_of(std::variant<RawReply, Refusal, Trouble> response) {
  if (auto* const raw = std::get_if<RawReply>(&response)) return interpret(std::move(*raw));
  if (auto* const refusal = std::get_if<Refusal>(&response)) return std::move(*refusal);
  return std::get<Trouble>(std::move(response));
}

}  // namespace bide
