#pragma once

#include "actors/logic.hpp"
#include "actors/timer_table.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace troupe::sim {

class tree;

/// A logic in its shell, in the simulator: what a logic_shell or thread_shell is on CAF
/// (actors/host).
struct place {
  /// It has been asked to end: an order in its turn, like a message.
  struct stop_order {};
  /// An agent that it started has ended.
  struct end_of_child {
    name agent;
    bool failed = false;
    std::string why;
  };
  struct message {
    envelope content;
    instant since;
    std::size_t bytes = 0; ///< what the mailbox is charged; zero: one of its first messages
  };
  using item = std::variant<message, stop_order, end_of_child>;

  enum class phase : std::uint8_t {
    new_born, ///< it can be found; its logic has not begun
    working,
    over, ///< the logic is gone, and nobody finds it
  };

  address self;
  std::unique_ptr<logic> mind;
  phase now = phase::new_born;
  bool own_thread = false;
  timer_table timers;
  std::optional<instant> ticking_until;
  std::uint64_t tick_generation = 0;
  std::deque<item> inbox;
  std::size_t messages = 0; ///< that are charged
  std::size_t bytes = 0;
  bool awake = false;        ///< its next turn is planned
  std::size_t unsettled = 0; ///< steps since its logic has settled

  std::weak_ptr<place> started_by;                      ///< of agents
  std::map<std::string, std::weak_ptr<place>> children; ///< agents that it started, by name
  std::map<std::string, end_of_child> untold; ///< ends of children that it has not been told of
  tree* supervisor = nullptr;                 ///< of services
  std::size_t index = 0;                      ///< among the supervisor's children
};

} // namespace troupe::sim
