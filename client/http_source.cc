#include "client/http_source.h"

#include <httplib.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "client/tls_trust.h"

namespace bide {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kConnectMax{5000};
// The limits of a job bound its representation. This limit stops only servers that are not bide.
constexpr std::size_t kBodyBytesMax = 256U << 20;

std::string path_with_query(const std::string& path, const Question& question) {
  std::string text = path;
  char separator = '?';
  if (!question.until.empty()) {
    text += separator + ("until=" + question.until);
    separator = '&';
  }
  if (question.wait.count() > 0) {
    text += separator + ("wait=" + std::to_string(question.wait.count()) + "ms");
  }
  return text;
}

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

class HttpSource::Connection {
 public:
  Connection(const ServerUrl& server, const std::string& token, Wanted wanted,
             const std::string& cacert) {
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
    headers_.emplace("Accept", wanted == Wanted::kStatusWord ? "text/plain" : "application/json");
    headers_.emplace("Accept-Encoding", "identity");
    headers_.emplace("User-Agent", "bide");
    if (!token.empty()) headers_.emplace("Authorization", "Bearer " + token);
  }

  // nullopt: no response; `error` says why.
  std::optional<RawReply> get(const std::string& path, const Question& question,
                              httplib::Error& error) {
    httplib::Headers headers = headers_;
    if (!question.etag.empty()) headers.emplace("If-None-Match", question.etag);
    client_->set_connection_timeout(std::min(question.patience, kConnectMax));
    client_->set_read_timeout(question.patience);

    if (trust_ != nullptr) trust_->reset();
    std::optional<RawReply> reply;
    std::string body;
    // httplib 0.11.4 waits for the body of a 304, which never comes, until the read timeout. To
    // stop it after the head costs a new connection for each 304: one in 25 s.
    const auto on_head = [&](const httplib::Response& response) {
      reply = head_of(response);
      return response.status != 304;
    };
    const auto on_body = [&](const char* bytes, std::size_t count) {
      if (body.size() + count > kBodyBytesMax) return false;
      body.append(bytes, count);
      return true;
    };
    const httplib::Result result = client_->Get(path, headers, on_head, on_body);
    error = result.error();
    if (!reply || (!result && reply->http_status != 304)) return std::nullopt;
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

HttpSource::HttpSource(const ServerUrl& server, const std::string& job_id, const std::string& token,
                       Wanted wanted, const std::string& cacert)
    : server_text_(text_of(server)),
      path_(server.base_path + "/job/" + job_id),
      connection_(std::make_unique<Connection>(server, token, wanted, cacert)) {}

HttpSource::~HttpSource() = default;

Reply HttpSource::ask(const Question& question) {
  httplib::Error error = httplib::Error::Success;
  auto raw = connection_->get(path_with_query(path_, question), question, error);
  if (raw) return interpret(std::move(*raw));
  if (const std::string_view why = connection_->distrust(); !why.empty()) {
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

void HttpSource::cancel() { connection_->stop(); }

}  // namespace bide
