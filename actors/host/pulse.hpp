#pragma once

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include <atomic>
#include <memory>

namespace troupe {

/// Signs of life for the process that started the node: `{"event":"pulse"}` lines on its
/// descriptor.
///
/// A node can exist and do nothing: it may be stopped by a signal, or all threads of its scheduler
/// may wait for each other. So the main thread asks an actor of the scheduler to write the line,
/// and does not ask again until the line has been written.
class pulse {
public:
  /// `fd` must not block: if nobody reads, signs of life are dropped.
  pulse(caf::actor_system& system, int fd);
  ~pulse();
  pulse(const pulse&) = delete;
  pulse& operator=(const pulse&) = delete;

  /// Called by the main thread, every `limits::node_pulse`.
  void beat();

private:
  caf::actor writer_;
  std::shared_ptr<std::atomic<bool>> asked_;
};

} // namespace troupe
