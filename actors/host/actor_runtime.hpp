#pragma once

#include "actors/host/node_host.hpp"
#include "actors/supervision/child_spec.hpp"

#include <cstddef>
#include <functional>
#include <memory>

namespace caf {
class actor_system;
} // namespace caf

namespace troupe {

/// CAF as a node uses it: the scheduler's threads, the links' thread, and one tree of actors on
/// them.
class actor_runtime {
public:
  struct options {
    std::size_t threads = 1; ///< of the scheduler
  };

  explicit actor_runtime(const options& given);
  ~actor_runtime();
  actor_runtime(const actor_runtime&) = delete;
  actor_runtime& operator=(const actor_runtime&) = delete;

  caf::actor_system& system() noexcept;

  /// Starts the tree. Threads of the scheduler call `all_stand` when every service of the tree has
  /// started, and `ended` when the tree has ended.
  void start(node_host& host, child_spec top, std::function<void()> all_stand,
             std::function<void()> ended);
  /// Asks the tree to stop; `ended` tells when it has.
  void ask_to_stop();
  /// Waits until no actor is left.
  void await_end();

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

} // namespace troupe
