// core/table/target.h: The thing that a request asks for and waits for.
//
// Thread safety: values.
#pragma once

#include <memory>
#include <variant>

#include "core/job/job_id.h"
#include "core/table/page_query.h"

namespace bide {

struct JobSetQuery;

struct Statistics {};  // The numbers of all jobs by status.
struct Feed {};        // All changes of all jobs, as a stream.

// Shared between a parked request and the group that is parked on each of the jobs for it.
using JobSetPtr = std::shared_ptr<const JobSetQuery>;

using Target = std::variant<JobId, JobSetPtr, PageQuery, Statistics, Feed>;

}  // namespace bide
