// client/http_source.h: Asks a bide server about one job, over HTTP.
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
  // `token`: for `Authorization: Bearer`, must be is_safe_token(); empty: none. `cacert`: a PEM
  // file with CA certificates for an https server; empty: the system's store. The certificate is
  // always verified.
  HttpSource(const ServerUrl& server, const std::string& job_id, const std::string& token,
             Wanted wanted, const std::string& cacert = "");
  ~HttpSource() override;

  [[nodiscard]] Reply ask(const Question& question) override;
  void cancel() override;

 private:
  class Connection;  // Hides httplib.h, which takes long to compile.
  const std::string server_text_;
  const std::string path_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace bide
