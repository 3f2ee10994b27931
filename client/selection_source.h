// client/selection_source.h: Asks about all jobs that have some labels, in one held request.
//
// To the wait, a selection is one job. Its status is that of a job where the wait is decided: the
// worst of all, or with `any` that of the first that is over; and `processing` until then.
//
// Thread safety: as JobSource.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/api_access.h"
#include "client/board.h"
#include "client/http_connection.h"
#include "client/reply.h"

namespace bide {

class SelectionSource final : public JobSource {
 public:
  struct Terms {
    std::string labels;  // `&label=release%3D42` for each.
    // As soon as a job has failed or was skipped, the wait is over: `until=succeeded`.
    bool succeeded = false;
    bool any = false;
    bool fail_if_missing = false;
  };
  SelectionSource(const ApiAccess& access, Terms terms);

  // The goal and the tag of the question are not sent: the server waits for `done` or `succeeded`
  // only, and a whole answer tells how far the jobs are.
  [[nodiscard]] Reply ask(const Question& question) override;
  void cancel() override { connection_.cancel(); }

 private:
  const Terms terms_;
  HttpConnection connection_;
};

// The jobs of an answer about several, `{"items":[…]}`, in its order.
[[nodiscard]] std::vector<JobView> jobs_of(std::string_view body);
// How many of them are over, and why one failed.
[[nodiscard]] JobSummary summary_of_jobs(std::string_view body);

}  // namespace bide
