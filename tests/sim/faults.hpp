#pragma once

#include "tests/sim/world.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string_view>

namespace troupe::sim {

/// What happens to the machines of a world.
enum class fault : std::uint8_t {
  crash,       ///< a node's process ends; its system says so
  power_loss,  ///< its machine is gone, and nobody hears of it
  stop,        ///< it is stopped in order
  pause,       ///< its process does not run for a while
  cut,         ///< nothing passes between two machines for a while
  one_way_cut, ///< nothing passes from one to the other
  break_links, ///< the connections between two machines break, and new ones can be made
};
inline constexpr std::size_t fault_kinds = 7;
std::string_view to_string(fault kind);

/// Lets faults happen that are drawn from the seed: which kinds this seed knows, how often, to
/// whom, for how long; and how often steps throw, disks fail and packets are lost. After `until`
/// all of it ends, and every node runs again: then the cluster has to find back.
class fault_maker {
public:
  fault_maker(world& in, std::uint64_t seed, std::chrono::nanoseconds until);

  void begin();
  /// No fault acts any more, and every node runs.
  bool over() const noexcept { return over_; }
  const std::map<fault, std::uint64_t>& made() const noexcept { return made_; }

private:
  void next();
  void make();
  /// False: nothing has come of it, since that node does not run, or nothing is there to break.
  bool act(fault kind);
  void end();
  machine any_machine() { return dice_.below(world_.nodes() + clients_); }

  world& world_;
  dice dice_;
  std::size_t clients_;
  instant until_;
  std::uint64_t known_ = 0; ///< the kinds that this seed knows, a bit each
  std::chrono::nanoseconds pause_max_;
  bool over_ = false;
  std::map<fault, std::uint64_t> made_;
};

} // namespace troupe::sim
