#pragma once

#include "actors/agents/role.hpp"
#include "actors/coordination/waiting_tasks.hpp"
#include "messages/envelope.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

/// The slots of one role on a node, and the tasks that wait for one. A slot is a pool agent of the
/// node, and works on one task at a time: it is busy from `take` until `give_back`.
class slot_pool {
public:
  slot_pool(std::shared_ptr<const role> what, const std::string& title, std::uint32_t size);

  const role& what() const noexcept { return *what_; }
  bool has_free() const noexcept { return !free_.empty(); }
  std::size_t busy() const noexcept { return slots_.size() - free_.size(); }
  const name& agent_of(std::uint32_t slot) const { return slots_[slot]; }

  /// Takes the slot that is the likeliest to answer; there is a free one.
  std::uint32_t take();
  /// `last`: its agent did not answer, so any other slot is taken first.
  void give_back(std::uint32_t slot, bool last);

  waiting_tasks waiting;

  /// False if the pool contradicts itself. `in_use`: how many tasks have a slot of it.
  bool invariants(std::size_t in_use) const;

private:
  std::shared_ptr<const role> what_;
  std::vector<name> slots_;
  std::vector<std::uint32_t> free_; ///< the one to be taken next at the end
};

} // namespace troupe
