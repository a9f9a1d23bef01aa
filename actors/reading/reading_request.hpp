#pragma once

#include "actors/reading/reading_logic.hpp"
#include "actors/reading/reading_times.hpp"

#include <optional>
#include <utility>

namespace troupe {

/// This timer drops documents that nobody uses. The timers of requests are their numbers, from 2.
inline constexpr std::uint32_t unused_timer = 1;

/// The bytes of a document on their way from service::blobs.
struct reading_logic::fetch {
  std::string hash;
  BlobFound found; ///< if a trace wants to know
};

/// A request that has not been answered yet, or whose job is still running.
struct reading_logic::request {
  explicit request(envelope message) : asked(std::move(message)), times(asked.trace.sampled()) {}

  envelope asked; ///< its body is a ReadingRequest
  reading_times times;
  instant deadline;
  std::uint64_t bytes = 0; ///< of its body
  bool wide = false;       ///< holds much data between its documents
  bool begun = false;
  bool answered = false;

  // The documents that it needs next, together.
  std::vector<BlobRef> wanted;
  std::vector<std::shared_ptr<const document>> there; ///< null: not there (yet)
  std::vector<std::optional<failure>> missing;        ///< why
  std::size_t awaited = 0;

  int next_document = 0; ///< of those from which it gathers
  std::shared_ptr<gathering> gathered;
  std::shared_ptr<job> running;

  ReadingRequest& work() { return *asked.body.as<ReadingRequest>(); }
};

/// Shared by the logic and the thread that does the job. The result is read after `done`.
struct reading_logic::job {
  std::function<void(job&)> does;
  std::atomic<bool> unwanted{false};
  std::atomic<bool> done{false};
  std::string fault; ///< what went wrong, empty if nothing did

  std::string hash; ///< of the document that the job makes; empty: it works for a request
  who reader = 0;
  instant came; ///< the bytes of that document
  BlobFound found;

  instant began, ended; ///< by the clock for jobs, if there is one
  std::shared_ptr<const document> made;
  ReadingAnswer answer;
  std::size_t passages = 0; ///< that were looked at for the answer
};

} // namespace troupe
