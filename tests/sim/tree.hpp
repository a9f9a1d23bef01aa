#pragma once

#include "actors/supervision/child_spec.hpp"
#include "tests/sim/place.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe::sim {

class process;

/// A supervisor of a simulated node, with the same rules as the one of a real node
/// (actors/host/supervisor.hpp): supervisor_logic decides, and this class starts and stops.
class tree {
public:
  /// `parent` null: the top. `spec` is copied.
  tree(process& of, child_spec spec, tree* parent, std::size_t index);

  void start();
  /// The child has ended. `asked`: it was told to.
  void child_is_gone(std::size_t index, bool asked);
  /// Stops the children, the last one first, then itself.
  void stop();

private:
  struct child {
    std::shared_ptr<place> service;
    std::unique_ptr<tree> branch;
    bool stands() const { return service || branch; }
  };

  void start_child(std::size_t index);
  void stop_next();
  void check() const;

  process& of_;
  child_spec spec_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0); ///< for what it planned
  tree* parent_;
  std::size_t index_;
  supervisor_logic rules_;
  std::vector<child> children_;
};

} // namespace troupe::sim
