#include "tests/sim/faults.hpp"

namespace troupe::sim {

using namespace std::chrono_literals;

std::string_view to_string(fault kind) {
  switch (kind) {
    case fault::crash:
      return "crash";
    case fault::power_loss:
      return "power loss";
    case fault::stop:
      return "stop";
    case fault::pause:
      return "pause";
    case fault::cut:
      return "cut";
    case fault::one_way_cut:
      return "one-way cut";
    case fault::break_links:
      return "broken links";
  }
  return "?";
}

fault_maker::fault_maker(world& in, std::uint64_t seed, std::chrono::nanoseconds until)
    : world_(in), dice_(seed, 4), clients_(in.clients()), until_(in.now() + until) {
  known_ = dice_.below(std::uint64_t{1} << fault_kinds);
  pause_max_ = dice_.between(100ms, 3s);
}

void fault_maker::begin() {
  world_.restarts_after = dice_.between(50ms, 2s);
  if (dice_.once_in(2))
    world_.on().faults.throws_once_in = dice_.between(100ns, 2us).count();
  if (dice_.once_in(2))
    for (std::size_t i = 0; i < world_.nodes(); ++i) {
      auto& faults = world_.disk_of(i).faults;
      faults.refuses_once_in = dice_.once_in(2) ? 10 + dice_.below(50) : 0;
      faults.fails_once_in = dice_.once_in(2) ? 20 + dice_.below(100) : 0;
      faults.power_lost_once_in = dice_.once_in(2) ? 20 + dice_.below(100) : 0;
    }
  next();
}

void fault_maker::next() {
  world_.on().when.later(dice_.between(20ms, pause_max_), [this] {
    if (world_.now() >= until_)
      return end();
    make();
    next();
  });
}

void fault_maker::make() {
  auto kind = static_cast<fault>(dice_.below(fault_kinds));
  if ((known_ >> static_cast<unsigned>(kind) & 1) == 0)
    return;
  if (act(kind))
    ++made_[kind];
}

bool fault_maker::act(fault kind) {
  auto node = dice_.below(world_.nodes());
  auto one = any_machine(), other = any_machine();
  auto time = dice_.between(10ms, dice_.once_in(3) ? 6s : 500ms);
  auto& net = world_.on().net;
  world_.on().tell([&] { return "             FAULT " + std::string{to_string(kind)}; });
  bool runs = world_.running(node) != nullptr;
  switch (kind) {
    case fault::crash:
      world_.kill(node);
      return runs;
    case fault::power_loss:
      world_.kill(node, true);
      return runs;
    case fault::stop:
      world_.stop(node);
      return runs;
    case fault::pause:
      net.pause(node, time);
      return runs;
    case fault::cut:
      net.cut(other, one, time);
      [[fallthrough]];
    case fault::one_way_cut:
      net.cut(one, other, time);
      return one != other;
    case fault::break_links:
      return net.break_all(one, other) > 0;
  }
  return false;
}

void fault_maker::end() {
  over_ = true;
  world_.on().tell([] { return std::string{"             no more faults"}; });
  world_.on().faults = {};
  world_.on().net.stop_losing();
  for (std::size_t i = 0; i < world_.nodes(); ++i) {
    world_.disk_of(i).faults = {};
    world_.start(i);
  }
}

} // namespace troupe::sim
