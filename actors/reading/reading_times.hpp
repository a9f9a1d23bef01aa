#pragma once

#include "messages/envelope.hpp"
#include "messages/reading.pb.h"

#include <cstdint>
#include <optional>

namespace troupe {

/// Where the time of one request to service::reading went, for the trace of who asked: waiting for
/// the bytes of documents, work, and the rest. Nothing is noted if the trace is not sampled; at
/// most `limits::reading_waits_told_max` waits are, the first ones. Pure.
class reading_times {
public:
  explicit reading_times(bool sampled) : sampled_(sampled) {}

  bool sampled() const noexcept { return sampled_; }

  /// Its next documents are wanted from now on.
  void want(instant now) { wanted_since_ = now; }
  /// The bytes of one of them came at `until`, or did not come because of `why`. Not noted if they
  /// were there before they were wanted.
  void waited(instant until, std::uint64_t size_bytes, const BlobFound& found,
              const std::optional<failure>& why);
  /// A job for it ran in that time. An `instant{}`: nobody told the time.
  void worked(instant from, instant until);
  void looked_at(std::size_t passages);
  void chose(const ReadingAnswer& answer);

  ReadingTimes take(int documents);

private:
  bool sampled_;
  instant wanted_since_;
  ReadingTimes made_;
};

} // namespace troupe
