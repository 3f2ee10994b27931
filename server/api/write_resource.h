// server/api/write_resource.h: `POST /job/{id}/events`, `PUT /job/{id}`, `POST /job` and
// `DELETE /job/{id}`: what workers report over HTTP (docs/api.md).
//
// A request is parked on its write (core/table/writes.h): nothing is sent before it has its place,
// so a request that is refused has stored nothing. When the table shows the write, the request goes
// on as the GET of that job: it is answered, or held under its `until` and `wait`.
//
// Thread safety: as Resource.
#pragma once

#include <string>

#include "core/table/writes.h"
#include "server/api/held_resource.h"

namespace bide {

class WriteResource final : public HeldResource {
 public:
  enum class What : std::uint8_t { kReport, kDefine, kCreate, kDelete };

  // `base_path`: "" or like "/api"; Location begins with it. All must outlive the resource.
  WriteResource(const Context& context, What what, Writer& writer, std::string base_path)
      : HeldResource(context), what_(what), writer_(writer), base_path_(std::move(base_path)) {}

  void handle(const http::Request& request, Exchange& exchange) override;
  [[nodiscard]] LogPath log_path(const Target& target) const override;
  [[nodiscard]] ParkedOn parked_on(const Target& target) const override;

 private:
  void judge(TimePoint now, Exchange& exchange) override;
  void answer(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
              Exchange& exchange) override;
  [[nodiscard]] http::Response absent(const Target& target, Outcome outcome) const override;
  [[nodiscard]] std::string location_of(const Target& target) const override;

  // nullopt: `write` is filled. Else why the request is refused.
  [[nodiscard]] std::optional<BadQuery> read(const http::Request& request, Write& write) const;
  // A condition of the request that does not hold for the job as it is (412).
  [[nodiscard]] bool is_precluded(std::string_view job_id, TimePoint now, Exchange& exchange) const;
  void begin(const WritePtr& write, TimePoint now, Exchange& exchange);
  void on_written(Outcome outcome, const WritePtr& write, Exchange& exchange);
  void refuse_unstored(std::string_view why, Exchange& exchange);

  const What what_;
  Writer& writer_;
  const std::string base_path_;
};

}  // namespace bide
