#pragma once

#include "messages/ids.hpp"

#include <chrono>
#include <optional>
#include <utility>

namespace troupe {

/// The time in which an agent works and waits for nothing: from the moment it takes a message, or
/// the last answer that it waited for, until it asks again or its step ends.
class own_work {
public:
  void begin(instant now) {
    if (!since_)
      since_ = now;
  }
  void pause(instant now) {
    if (since_)
      total_ += now - *std::exchange(since_, std::nullopt);
  }
  double milliseconds() const { return std::chrono::duration<double, std::milli>{total_}.count(); }

private:
  std::optional<instant> since_;
  std::chrono::nanoseconds total_{0};
};

} // namespace troupe
