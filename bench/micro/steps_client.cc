#include "bench/micro/steps_client.h"

#include <openssl/ssl.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "bench/micro/requests.h"
#include "bench/micro/steps_credentials.h"
#include "bench/micro/steps_line.h"
#include "bench/micro/worker_entries.h"

namespace bide::bench {
namespace {

class Client {
 public:
  Client(const Ends& ends, Setting setting, const std::filesystem::path& directory)
      : ends_(ends), tokens_(setting, directory) {
    if (setting != Setting::kTls) return;
    tls_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_min_proto_version(tls_.get(), TLS1_3_VERSION);
  }

  [[nodiscard]] bool run(Operation operation, std::size_t steps) {
    switch (operation) {
      case Operation::kNotModified:
        return ask_again(steps, true, false);
      case Operation::kFound:
        return ask_again(steps, false, false);
      case Operation::kConnect:
        return ask_again(steps, true, true);
      case Operation::kParkAndWake:
        return park_and_wake(steps);
      case Operation::kRecord:
        return records(steps);
      case Operation::kReported:
        return report(steps);
      case Operation::kApplied:
      case Operation::kAppliedAwaited:
      case Operation::kBodyRead:
        return true;
    }
    return false;
  }

 private:
  [[nodiscard]] std::unique_ptr<Line> dial() const {
    return std::make_unique<Line>(ends_.listening, tls_.get());
  }

  [[nodiscard]] bool ask_again(std::size_t steps, bool conditional, bool on_new_lines) {
    constexpr std::string_view kName = "\r\nETag: ";
    const std::string path = "/job/" + job_id(0);
    std::unique_ptr<Line> line = dial();
    const std::string first = line->ask(get(path, tokens_.authorization(0)));
    const std::size_t at = first.find(kName);
    if (!first.starts_with("HTTP/1.1 200 ") || at == std::string::npos) return false;
    const std::size_t begin = at + kName.size();
    const std::string etag = first.substr(begin, first.find('\r', begin) - begin);
    const std::string fields = conditional ? if_none_match(etag) : "";
    const std::string_view status = conditional ? "HTTP/1.1 304 " : "HTTP/1.1 200 ";
    for (std::size_t i = 0; i < steps; ++i) {
      if (on_new_lines) line = dial();
      const std::string request = get(path, fields + tokens_.authorization(i));
      if (!line->ask(request).starts_with(status)) return false;
    }
    return true;
  }

  [[nodiscard]] bool park_and_wake(std::size_t steps) {
    const std::unique_ptr<Line> line = dial();
    for (std::size_t i = 0; i < steps; ++i) {
      const std::string path = "/job/" + job_id(i) + "?until=done&wait=30s";
      const std::string answer = line->ask(get(path, tokens_.authorization(i)));
      if (!answer.starts_with("HTTP/1.1 200 ")) return false;
      if (answer.find("Bide-Outcome: done\r\n") == std::string::npos) return false;
    }
    return true;
  }

  [[nodiscard]] bool report(std::size_t steps) {
    const std::unique_ptr<Line> line = dial();
    for (std::size_t i = 0; i < steps; ++i) {
      const std::string path = "/job/" + job_id(i) + "/events";
      const std::string request = post_form(path, kReport, tokens_.authorization(i));
      if (!line->ask(request).starts_with("HTTP/1.1 201 ")) return false;
    }
    return true;
  }

  [[nodiscard]] bool records(std::size_t steps) {
    const std::unique_ptr<Line> line = dial();
    if (!line->send(get("/job/events", tokens_.authorization(0)))) return false;
    if (line->read_until("event: hello").empty() || line->read_until("\n\n").empty()) return false;
    for (std::size_t i = 0; i < steps; ++i) {
      const char next = 'n';
      if (::write(ends_.events, &next, 1) != 1) return false;
      const std::string record = line->read_until("\n\n");
      if (record.find("event: job\n") == std::string::npos) return false;
      if (record.find(job_id(i)) == std::string::npos) return false;
    }
    return true;
  }

  Ends ends_;
  TokenMaker tokens_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> tls_{nullptr, SSL_CTX_free};
};

}  // namespace

bool run_steps(const Ends& ends, const Order& order, const std::filesystem::path& directory) {
  return Client(ends, order.setting, directory).run(order.operation, order.steps + kWarmUp);
}

}  // namespace bide::bench
