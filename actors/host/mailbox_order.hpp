#pragma once

#include <caf/abstract_actor.hpp>

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace troupe {

/// What was done before a message was sent is done before its receiver works on it: CAF's mailboxes
/// see to that. ThreadSanitizer cannot know, as Debian's CAF is not built with it, so it is told
/// here. In other builds these do nothing.
inline void before_enqueue([[maybe_unused]] caf::abstract_actor* receiver) {
#if defined(__SANITIZE_THREAD__)
  __tsan_release(receiver);
#endif
}

inline void after_dequeue([[maybe_unused]] caf::abstract_actor* receiver) {
#if defined(__SANITIZE_THREAD__)
  __tsan_acquire(receiver);
#endif
}

} // namespace troupe
