// Many agents of one node: 64 senders to 64 agents, messages to agents at random, how many agents
// are activated in a second, and what one that has nothing to do keeps in memory. The yardstick of
// the first two is one pair of the same node with 64 in flight: many agents should cost no more.
#include "tests/bench/driver.hpp"
#include "tests/bench/report.hpp"
#include "tests/support/process.hpp"

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <list>

namespace {

using namespace troupe;
using namespace troupe::bench;
using test::whole_node;

constexpr std::uint64_t messages = 400'000;
constexpr std::uint64_t window = 64;
constexpr std::uint64_t pairs = 64;
constexpr std::uint64_t spread = 10'000;     ///< agents that are written to at random
constexpr std::uint64_t activated = 100'000; ///< in one round

address echo_agent(std::uint64_t number) {
  return address::of_agent(name{"echo/" + std::to_string(number)});
}

double one_pair(whole_node& node) {
  return drive<message_driver>(node, echo_agent(1), messages, window);
}

/// Each has one message open with an agent of its own. All messages, over the time until the last
/// sender has its last answer.
double many_pairs(whole_node& node) {
  constexpr auto each = messages / pairs;
  std::list<running_logic> senders;
  for (std::uint64_t i = 1; i <= pairs; ++i)
    senders.emplace_back(node, [&](std::promise<double>* done) {
      return std::make_unique<message_driver>(echo_agent(i), each, 1, done);
    });
  auto begun = std::chrono::steady_clock::now();
  for (auto& one : senders)
    one.begin();
  for (auto& one : senders)
    one.figure();
  return static_cast<double>(each * pairs) / seconds_since(begun);
}

/// Writes to another agent each time.
class roaming_driver : public driver {
public:
  using chooser = std::function<address()>;
  roaming_driver(chooser next, std::uint64_t count, std::promise<double>* done)
      : driver({}, count, window, done), next_(std::move(next)) {}

private:
  envelope make() const override {
    AgentMessage message;
    message.mutable_text()->assign(100, 'x');
    return make_envelope(message_kind::request, next_(), std::move(message));
  }

  chooser next_;
};

double in_turn(whole_node& node, std::uint64_t first, std::uint64_t count) {
  return drive<roaming_driver>(
      node, [first]() mutable { return echo_agent(first++); }, count);
}

double at_random(whole_node& node) {
  std::vector<address> all;
  for (std::uint64_t i = 1; i <= spread; ++i)
    all.push_back(echo_agent(i));
  in_turn(node, 1, spread); // all are there
  auto next = [all = std::move(all), state = std::uint64_t{88172645463325252}]() mutable {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return all[state % all.size()];
  };
  return drive<roaming_driver>(node, next, messages);
}

void activations() {
  std::vector<double> rates, bytes;
  for (int round = 0; round < 5; ++round) {
    whole_node node{1};
    node.wait_for_members();
    in_turn(node, 1, 1'000); // what the first agents bring along is not theirs
    auto before = tests::resident_bytes(::getpid());
    rates.push_back(in_turn(node, 1'001, activated));
    auto grown = tests::resident_bytes(::getpid()) - before;
    bytes.push_back(static_cast<double>(grown) / static_cast<double>(activated));
  }
  report("agents activated by their first message, 64 at a time", "1/s", median(rates),
         "aim: 200000");
  report("an agent that has nothing to do: resident memory", "B", bytes.front(), "aim: 2048");
}

} // namespace

int main() {
  activations(); // first: later, freed memory is used again
  auto with_node = [](double (*measured)(whole_node&)) {
    return [measured] {
      whole_node node{1};
      node.wait_for_members();
      return measured(node);
    };
  };
  compare("64 senders to 64 agents, one message open each", "1/s", 5, with_node(many_pairs),
          "one pair, 64 in flight", with_node(one_pair));
  compare("messages to 10,000 agents at random, 64 in flight", "1/s", 5, with_node(at_random),
          "one pair, 64 in flight", with_node(one_pair));
}
