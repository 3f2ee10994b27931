// core/job/job_bytes.h: A job as bytes, for what bide keeps on disk.
//
// The bytes hold the entries and revisions of the job, and nothing that follows from them: the fold
// is made again, so a bide that folds differently reads them, too. What decodes entries differently
// must not read them: see server/nats/checkpoint_file.h.
//
// Layout, in the terms of core/base/byte_reader.h. Text: id. Byte: 1 if the job is defined.
// Numbers: Job::definition_revision(), revision(), deleted_revision(). Fixed numbers: written(),
// last_event(). If it is defined: texts created, subject, operation and labels; the expected agents
// as 0, or 1 and their number, or 2, their number and a text each. Then events, responses and
// progress, each family with its number of entries, by revision: the number by which the revision
// exceeds the one before; for an event its kind (a byte) and time (fixed); for a response `changed`
// (0, 1, 2: absent); and a text with the strings of its PackedText.
//
// Thread safety: pure functions.
#pragma once

#include <string>

#include "core/base/byte_reader.h"
#include "core/job/job.h"

namespace bide {

void append_job(std::string& out, const Job& job);

class JobReader {
 public:
  // The id of the next job. Empty: the bytes are not what append_job() writes; `in` has failed.
  [[nodiscard]] static std::string read_id(ByteReader& in);
  // The rest of it, into a new job with that id. False as above, or if a revision is above
  // `revision_max`; the job is of no use then.
  [[nodiscard]] static bool read(ByteReader& in, Revision revision_max, Job& job);
};

}  // namespace bide
