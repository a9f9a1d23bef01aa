#include "nodes/exit_codes.hpp"
#include "nodes/local_cluster.hpp"

#include <signal.h>

#include <algorithm>
#include <utility>

namespace troupe {

using namespace std::chrono_literals;

namespace {

std::string in_seconds(std::chrono::milliseconds time) {
  auto text = std::to_string(static_cast<double>(time.count()) / 1000);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.'))
    text.pop_back();
  return text + " s";
}

/// The longest wait of one poll. A turn that takes much longer shows that this process was stopped.
std::chrono::milliseconds turn_of(std::chrono::milliseconds silence_max) {
  constexpr int turns = 10;
  return silence_max / turns;
}

} // namespace

/// Time in which we did not run does not count: our nodes may have been stopped with us (a paused
/// container, a frozen group) and had no time to report. `wait`: how long poll was told to wait.
void local_cluster::leave_out_stop(std::chrono::milliseconds wait) {
  auto now = clock::now();
  auto took = now - std::exchange(turn_at_, now);
  if (wait < 0ms || took - wait <= turn_of(options_.silence_max))
    return;
  auto lost = took - wait;
  auto postpone = [&](std::optional<clock::time_point>& at) {
    if (at)
      *at += lost;
  };
  postpone(kill_at_);
  postpone(ready_deadline_);
  for (auto& s : slots_) {
    postpone(s.listen_by);
    if (s.heard_at)
      s.heard_at = std::min(now, *s.heard_at + lost);
  }
}

/// At most one turn. Rounded up, so that the deadline has passed when poll returns. Negative: there
/// is no deadline.
std::chrono::milliseconds local_cluster::until_next_deadline() const {
  std::optional<clock::time_point> next;
  auto consider = [&next](std::optional<clock::time_point> at) {
    if (at && (!next || *at < *next))
      next = at;
  };
  consider(kill_at_);
  consider(ready_deadline_);
  for (const auto& s : slots_) {
    consider(s.next_try);
    if (stage_ != stage::running || !s.process)
      continue;
    consider(s.listen_by);
    if (s.heard_at)
      consider(*s.heard_at + options_.silence_max);
  }
  if (!next)
    return -1ms;
  auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - clock::now());
  return std::clamp(left, 0ms, std::max(1ms, turn_of(options_.silence_max)));
}

void local_cluster::check_deadlines() {
  auto now = clock::now();
  if (kill_at_ && *kill_at_ <= now) {
    kill_at_.reset();
    send_signal(being_stopped_->process->pidfd, SIGKILL);
  }
  if (ready_deadline_ && *ready_deadline_ <= now) {
    ready_deadline_.reset();
    auto late = std::find_if(slots_.begin(), slots_.end(),
                             [](const node_slot& s) { return s.phase != node_phase::ready; });
    auto said = words_of(*late, true);
    fail_start(exit_unavailable, late->node.name + " was not ready within "
                                     + in_seconds(options_.ready_timeout)
                                     + (said.empty() ? "" : ": " + said) + "; its log is next to "
                                     + late->node.command.output.string());
  }
  if (stage_ == stage::stopping)
    return;
  for (auto& s : slots_) {
    if (s.process && stage_ == stage::running)
      check_signs_of_life(s, now);
    if (s.next_try && *s.next_try <= now)
      start(s);
  }
}

void local_cluster::check_signs_of_life(node_slot& s, clock::time_point now) {
  if (!s.hung.empty())
    return; // already killed
  if (s.listen_by && *s.listen_by <= now) {
    s.hung = "it did not listen within " + in_seconds(options_.ready_timeout);
    if (auto said = words_of(s, true); !said.empty())
      s.hung += ": " + said;
  } else if (s.heard_at && *s.heard_at + options_.silence_max <= now) {
    // Its earlier words, perhaps long ago, do not explain its silence now.
    s.hung = "it gave no sign of life for " + in_seconds(options_.silence_max);
  } else {
    return;
  }
  s.listen_by.reset();
  s.heard_at.reset();
  observer_.node_hangs(s.node, s.process->pid, s.hung);
  send_signal(s.process->pidfd, SIGKILL);
}

} // namespace troupe
