#pragma once

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include <atomic>
#include <memory>

namespace troupe {

/// Signs of life for who started the node: `{"event":"pulse"}` lines on its descriptor.
///
/// A node can be there and do nothing: stopped by a signal, or with all threads of its scheduler
/// waiting for each other. So the line is written by an actor of the scheduler, which the main
/// thread asks for it; while it has not been written it is not asked for again.
class pulse {
public:
  /// `fd` must not block: where nobody reads, signs of life are dropped.
  pulse(caf::actor_system& system, int fd);
  ~pulse();
  pulse(const pulse&) = delete;
  pulse& operator=(const pulse&) = delete;

  /// By the main thread, every `limits::node_pulse`.
  void beat();

private:
  caf::actor writer_;
  std::shared_ptr<std::atomic<bool>> asked_;
};

} // namespace troupe
