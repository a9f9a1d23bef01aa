#pragma once

#include "actors/coordination/fifo.hpp"
#include "messages/envelope.hpp"
#include "messages/runs.pb.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace troupe {

/// One attempt of one task, as owners and queues name it.
struct task_key {
  run_id run;
  std::uint32_t index = 0;
  std::uint32_t attempt = 0;
  friend bool operator==(const task_key&, const task_key&) = default;
};
std::string to_string(const task_key& key);
struct task_key_hash {
  std::size_t operator()(const task_key& key) const noexcept {
    return std::hash<run_id>{}(key.run)
           ^ (std::uint64_t{key.index} << 8 | key.attempt) * 0x9e3779b97f4a7c15ULL;
  }
};

struct waiting_task {
  Task* task = nullptr; ///< `kept`, or a part of the offer while that is handled
  std::unique_ptr<Task> kept;
  task_key key;
  node_id owner;
  name tenant;
  instant since{};
};

/// The tasks of one role that wait on a node for a slot. Owners take turns, however many tasks each
/// of them has here, and so do the runs of one owner. The oldest task of a run comes first. So
/// neither an owner with many tasks nor a wide run makes the others wait for more than their turn.
/// The cost of `push` and `pop` does not depend on the number of tasks.
class waiting_tasks {
public:
  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  std::size_t size_of(node_id owner) const;

  void push(waiting_task task);
  waiting_task pop();
  /// Takes out the youngest task of the owner with the most tasks, if that has more than `than`.
  std::optional<waiting_task> give_up_youngest(std::size_t than);

  /// Takes out the tasks of `owner` (zero: of all) in `run` (zero: in all) for which `gone` holds,
  /// and says how many.
  template <class Predicate>
  std::size_t remove_if(node_id owner, run_id run, Predicate gone);

private:
  using run_queue = fifo<waiting_task>;
  struct owner_queue {
    std::unordered_map<run_id, run_queue> runs; ///< none is empty
    fifo<run_id> turns;
    std::size_t size = 0;
  };

  std::unordered_map<node_id, owner_queue> owners_; ///< none is empty
  fifo<node_id> turns_;
  std::size_t size_ = 0;
};

template <class Predicate>
std::size_t waiting_tasks::remove_if(node_id owner, run_id run, Predicate gone) {
  auto before = size_;
  for (auto o = owners_.begin(); o != owners_.end();) {
    const auto& id = o->first;
    auto& mine = o->second;
    if (owner && id != owner) {
      ++o;
      continue;
    }
    for (auto r = run ? mine.runs.find(run) : mine.runs.begin(); r != mine.runs.end();) {
      auto removed = r->second.remove_if(gone);
      mine.size -= removed;
      size_ -= removed;
      if (r->second.empty()) {
        mine.turns.remove_if([&](const run_id& turn) { return turn == r->first; });
        r = mine.runs.erase(r);
      } else {
        ++r;
      }
      if (run)
        break;
    }
    if (mine.size == 0) {
      turns_.remove_if([&](const node_id& turn) { return turn == id; });
      o = owners_.erase(o);
    } else {
      ++o;
    }
  }
  return before - size_;
}

} // namespace troupe
