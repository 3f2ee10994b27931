// client/http_source.h: Asks a bide server over HTTP about one job.
//
// Thread safety: ask() from one thread at a time; cancel() from any.
#pragma once

#include <memory>
#include <string>

#include "client/reply.h"
#include "client/server_url.h"

namespace bide {

enum class Wanted : std::uint8_t { kStatusWord, kRepresentation };

class HttpSource final : public JobSource {
 public:
  // `token`: for `Authorization: Bearer`, is_safe_token(); empty: none. `cacert`: of an https
  // server, the PEM file with who signs its certificate; empty: the system's store. It is always
  // verified.
  HttpSource(const ServerUrl& server, const std::string& job_id, const std::string& token,
             Wanted wanted, const std::string& cacert = "");
  ~HttpSource() override;

  [[nodiscard]] Reply ask(const Question& question) override;
  void cancel() override;

 private:
  class Connection;  // Keeps httplib's 20 ms a line out of everybody's compile time.
  const std::string server_text_;
  const std::string path_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace bide
