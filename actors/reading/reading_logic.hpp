#pragma once

#include "actors/logic.hpp"
#include "actors/reading/document_shelf.hpp"
#include "actors/reading/gathering.hpp"
#include "config/limits/reading.hpp"
#include "messages/reading.pb.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// service::reading: all work on documents, and on as much text as a document has.
///
/// Reading a document of 32 MiB takes a second and four times its size in memory. In an agent's
/// step, everybody would lose that second, and each agent would take that memory. Here a few
/// threads of the service's own do the work, each document is read once for all who ask about it,
/// and all documents together have a bounded room (actors/reading/document_shelf.hpp).
///
///  - ReadingRequest -> ReadingAnswer. It requests the documents from service::blobs of this node.
///    Idempotent. `timed_out` when the caller's time is over: the work is broken off. `overloaded`:
///    there are more requests, or larger ones, than may wait. `unavailable` when it stops,
///    `cancelled` when its sender gives it up. If a document cannot be obtained, the request fails,
///    or the answer names the document if the request gathers. If its trace is sampled, a piece
///    comes before the answer and says where the time went (ReadingTimes).
///  - ReadingDone, from its own threads: a job has ended.
///
/// The logic itself runs on a thread of its own: it frees large documents, and it does small jobs
/// at once.
class reading_logic final : public logic {
public:
  struct options {
    /// Does a job on another thread; empty: jobs are done within the step.
    std::function<void(std::function<void()>)> run = {};
    std::function<void(ReadingDone)> tell = {}; ///< from there: sends it to this logic
    std::function<instant()> clock = {};        ///< for jobs; empty: they have enough time
    document_shelf::sizes memory{limits::small_documents_memory_max,
                                 limits::large_documents_memory_max,
                                 limits::documents_kept_bytes_max};
  };

  explicit reading_logic(options chosen);
  ~reading_logic() override;

  void start(step_context& context, const address& self) override;
  void step(step_context& context, event input) override;
  void stop(step_context& context) override;

private:
  using who = document_shelf::who;

  struct fetch;
  struct request;
  struct job;

  void asked(step_context& context, envelope message);
  void begin(step_context& context, who id);
  void next_documents(step_context& context, who id);
  void want(step_context& context, who id, std::vector<BlobRef> documents);
  void came(step_context& context, who id, const job& made, const failure& why);
  void tell_times(step_context& context, request& done) const;
  void answer(step_context& context, request& done, ReadingAnswer made);
  void answer(step_context& context, request& done, const failure& why);
  void give_up(step_context& context, who id, const failure& why);
  void cancelled(step_context& context, const envelope& order);
  void give_back(step_context& context, who id);
  void end(step_context& context, who id);

  void fetch_admitted(step_context& context);
  void fetched(step_context& context, envelope reply);
  void made(step_context& context, job& ended);
  void failed(step_context& context, const job& ended, const failure& why);
  trace_context trace_of(const std::string& hash) const;
  void drop_unused(step_context& context);

  void work(step_context& context, who id);
  static std::function<void(job&)> gather_job(request& one, const troupe::give_up& enough);
  void do_job(step_context& context, std::shared_ptr<job> todo, bool at_once);
  void job_ended(step_context& context, std::uint64_t number);
  void worked(step_context& context, job& ended);

  options options_;
  address self_;
  session_id session_;
  std::uint64_t sequence_ = 0;
  document_shelf shelf_;
  std::map<who, std::unique_ptr<request>> requests_; ///< in the order of coming
  std::uint64_t request_bytes_ = 0;
  std::uint32_t last_request_ = 0; ///< also the number of its timer
  std::deque<who> wide_waiting_;
  std::size_t wide_ = 0;                               ///< that are being worked on
  std::map<std::uint64_t, fetch> fetches_;             ///< by message
  std::map<std::string, std::shared_ptr<job>> making_; ///< by hash
  std::map<std::uint64_t, std::shared_ptr<job>> jobs_;
  std::uint64_t last_job_ = 0;
};

} // namespace troupe
