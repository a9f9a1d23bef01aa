#pragma once

#include "messages/runs.pb.h"
#include "tests/sim/client.hpp"
#include "tests/sim/world.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::sim {

/// The graphs of runs. Each has one result for each item.
enum class graph_kind : std::uint8_t {
  tellers, ///< a task `work` for each, of tellers
  mixed,   ///< `first` and `last` of quick minds, and `work` of tellers in between
  quick,   ///< `first` and `last` of quick minds, of more items than their owner does in one step
  chains,  ///< a task for each that asks its model one thing after the other
};
inline constexpr std::size_t graph_kinds = 4;
std::size_t tasks_of_item(graph_kind kind);

/// A run that a client wanted begun, and what all clients heard of it.
struct asked_run {
  std::int64_t number = 0; ///< in its inputs. The same for those with one key, and for repetitions
  graph_kind graph = graph_kind::tellers;
  std::size_t items = 0;
  Durability durability = DURABILITY_OFF;
  std::string key;
  bool repeats = false;       ///< it is the repetition of another one,
  bool keeps_results = false; ///< but of the tasks that failed there
  message_id submission;
  std::string id; ///< as bytes, once it was accepted
  node_id owner;
  bool accepted = false;
  std::optional<ec> refused;         ///< what wanted it begun was answered by a Failure
  std::optional<ec> lost;            ///< who followed it was told this, and gave up
  std::optional<RunEnded> ended;     ///< as who wanted it was told
  std::chrono::nanoseconds took{0};  ///< until then
  std::vector<RunEnded> told;        ///< to whom else: those that attached themselves
  std::optional<RunEnded> cancelled; ///< as who cancelled it was told

  bool durable() const noexcept { return durability > DURABILITY_OFF; }
};

/// What clients do with runs: they submit them, with and without a key, wait for them or leave
/// them, attach themselves to those of others, cancel and repeat them.
class run_workload {
public:
  using heard = std::function<void()>;

  /// Both outlive it.
  run_workload(world& in, dice& random) : world_(in), dice_(random) {}

  /// `then`: the client does something else.
  void submit(client& by, heard then);
  /// Does something with a run that somebody has submitted.
  void look_after(client& by, heard then);

  const std::vector<std::unique_ptr<asked_run>>& all() const noexcept { return runs_; }

private:
  asked_run& draw();
  void begin(client& by, asked_run& run, envelope request, const heard& then);
  void attach(client& by, asked_run& run, int tries, const heard& then);
  void cancel(client& by, asked_run& run, const heard& then);
  void repeat(client& by, const asked_run& run, const heard& then);
  envelope to_owner(const asked_run& run, payload body) const;

  world& world_;
  dice& dice_;
  std::vector<std::unique_ptr<asked_run>> runs_;
  std::vector<const asked_run*> with_keys_;
};

} // namespace troupe::sim
