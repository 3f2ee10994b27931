// core/table/target.h: What a request looks at, and waits for.
//
// Thread safety: values.
#pragma once

#include <memory>
#include <variant>

#include "core/job/job_id.h"
#include "core/table/page_query.h"

namespace bide {

struct JobSetQuery;

struct Statistics {};  // Of all jobs.
struct Feed {};        // All jobs that change.

// Shared between a parked request and the group that is parked on each of the jobs for it.
using JobSetPtr = std::shared_ptr<const JobSetQuery>;

using Target = std::variant<JobId, JobSetPtr, PageQuery, Statistics, Feed>;

}  // namespace bide
