#pragma once

#include "messages/envelope.hpp"

#include <cstddef>

namespace troupe {

/// For tables by message. Sequence numbers of one session follow each other, so they spread well.
struct message_id_hash {
  std::size_t operator()(const message_id& id) const noexcept {
    return id.session.value * 31 + id.sequence;
  }
};

} // namespace troupe
