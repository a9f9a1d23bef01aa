// The ends of a simulated node's logics, and of the node.

#include "tests/sim/process.hpp"

#include <cstdio>

namespace troupe::sim {

std::shared_ptr<place> process::start_service(const child_spec& wanted, tree& by,
                                              std::size_t index) {
  auto made = std::make_shared<place>();
  made->self = address::of(wanted.place, id_);
  made->own_thread = wanted.own_thread;
  made->supervisor = &by;
  made->index = index;
  made->mind = wanted.make();
  services_[static_cast<std::size_t>(wanted.place)] = made;
  wake(made);
  return made;
}

void process::ask_to_stop(const std::shared_ptr<place>& whom) {
  whom->inbox.emplace_back(place::stop_order{});
  wake(whom);
}

void process::fail(const shell& whom, const std::string& fault) {
  end_logic(whom); // if it cannot even stop, its callers still have deadlines
  is_over(whom, true, fault);
}

/// The logic's last word.
void process::end_logic(const shell& whom) {
  outputs out;
  out.debugs = on_.debugs;
  step_context context{now(), on_.chance, out};
  try {
    whom->mind->stop(context);
  } catch (const process_ends& end) {
    return end_process(end.silent);
  } catch (const std::exception& wrong) {
    defect(to_string(whom->self) + " failed while it was stopped: " + wrong.what());
  }
  out.starts.clear();
  out.timers.clear();
  carry_out(whom, out);
}

void process::leave_if_idle(const shell& whom) {
  auto known = directory_.find(whom->self.agent);
  bool stands = known != directory_.end() && known->second.active == whom;
  if (!whom->inbox.empty() || (stands && !known->second.open()))
    return; // the next step is for the waiting message
  end_logic(whom);
  is_over(whom, false, "it had nothing to do");
}

/// Nobody finds it any more; what waits is refused, and who started it is told.
void process::is_over(const shell& whom, bool failed, const std::string& why) {
  if (dead_) // with its last word
    return;
  whom->now = place::phase::over;
  ++whom->tick_generation;
  remove(*whom);
  for (auto& [agent, child] : std::exchange(whom->children, {}))
    if (auto there = child.lock(); there && there->now != place::phase::over)
      ask_to_stop(there);
  whom->mind.reset();
  if (auto by = whom->supervisor) {
    later(std::chrono::microseconds{1},
          [by, index = whom->index, failed] { by->child_is_gone(index, !failed); });
    return;
  }
  auto parent = whom->started_by.lock();
  if (!parent || parent->now == place::phase::over)
    return;
  std::string called{whom->self.agent.text()};
  auto known = parent->children.find(called);
  if (known == parent->children.end() || known->second.lock() != whom)
    return; // it has stopped it itself: nothing more is heard of it
  parent->children.erase(known);
  place::end_of_child end{whom->self.agent, failed, why};
  parent->untold.insert_or_assign(called, end);
  parent->inbox.emplace_back(std::move(end));
  wake(parent);
}

void process::refuse_as_ended(const place& whom, const envelope& message) {
  refuse(message, {ec::unavailable, to_string(whom.self) + " has ended; send it again"});
}

void process::tree_has_ended(bool by_a_fault) {
  tell(by_a_fault ? "a part failed too often: ending" : "has stopped");
  end_process(false);
}

void process::end_process(bool silent) {
  if (!std::exchange(dead_, true))
    setup_.ends(silent);
}

void process::tell(const std::string& what) const {
  on_.tell([&] {
    char time[32];
    auto seconds = std::chrono::duration<double>(now().time_since_epoch()).count() - 1'000'000.0;
    std::snprintf(time, sizeof time, "%12.6f ", seconds);
    return time + setup_.self.name() + " " + what;
  });
}

void process::defect(const std::string& what) {
  tell("DEFECT: " + what);
  on_.defects.push_back(setup_.self.name() + ": " + what);
}

} // namespace troupe::sim
