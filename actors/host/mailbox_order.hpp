#pragma once

#include <caf/abstract_actor.hpp>

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace troupe {

/// What happened before a message was sent happens before its receiver works on it: CAF's mailboxes
/// ensure that. ThreadSanitizer cannot know, because Debian's CAF is not built with it, so it is
/// told here. In other builds these functions do nothing.
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
