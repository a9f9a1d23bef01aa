#pragma once

#include "messages/envelope.hpp"

namespace troupe {

/// Numbers the requests of one logic, for all parts that send them.
struct request_numbers {
  session_id session;
  std::uint64_t last = 0;

  message_id next() { return {session, ++last}; }
};

} // namespace troupe
