// Durable agents: messages to 64 of them at once, activation from the disk, memory; a million of
// them of which 10,000 are at work. The yardstick is RocksDB, whose threads wait each for its own
// synced put.
#include "actors/agents/mind.hpp"
#include "tests/bench/driver.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/synced_puts.hpp"
#include "tests/support/process.hpp"

#include <unistd.h>

#include <functional>
#include <list>
#include <string_view>

namespace {

using namespace troupe;
using namespace troupe::bench;
using test::whole_node;
using test::whole_node_options;

constexpr std::uint64_t writers = 64;
constexpr std::uint64_t window = 64;
constexpr std::size_t large_state = 1024, small_state = 64;
constexpr std::string_view look = "look"; ///< changes nothing

/// Keeps a state of so many bytes, of which each message changes a few.
struct keeping_mind {
  struct state {
    std::string kept;
    std::uint64_t told = 0;
  };
  std::size_t bytes;

  std::pair<state, commands> decide(state&& now, mind_event happened) const {
    commands todo;
    auto* message = std::get_if<message_received>(&happened);
    if (!message)
      return {std::move(now), {}};
    now.kept.resize(bytes, 'k');
    if (message->text != look) {
      auto word = std::to_string(++now.told);
      now.kept.replace(now.told * 31 % (bytes - word.size()), word.size(), word);
    }
    todo.emplace_back(reply_with{});
    return {std::move(now), std::move(todo)};
  }
  static std::string save(const state& now) { return now.kept; }
  static bool load(state& now, std::string_view bytes) {
    now.kept = bytes;
    return true;
  }
};

whole_node_options on_disk(const std::filesystem::path& data, std::chrono::milliseconds idle) {
  whole_node_options options;
  options.data = data;
  options.cfg.agents.idle = idle;
  for (auto [called, bytes] : {std::pair{"large", large_state}, std::pair{"small", small_state}}) {
    role made;
    made.info.set_name(called);
    made.info.set_for_talk(true);
    made.durable = made.remembers = true;
    made.make = [bytes = bytes] { return make_mind<keeping_mind>(keeping_mind{bytes}); };
    options.more_roles[called] = std::make_shared<const role>(std::move(made));
  }
  return options;
}

address agent(const std::string& kind, std::uint64_t number) {
  return address::of_agent(name{kind + "/" + std::to_string(number)});
}

/// A message to another agent each time, or always to the same.
class telling_driver : public driver {
public:
  using chooser = std::function<address()>;
  telling_driver(chooser next, std::string text, std::uint64_t count, std::uint64_t open,
                 std::promise<double>* done)
      : driver({}, count, open, done), next_(std::move(next)), text_(std::move(text)) {}

private:
  envelope make() const override {
    AgentMessage message;
    message.set_text(text_);
    return make_envelope(message_kind::request, next_(), std::move(message));
  }

  chooser next_;
  std::string text_;
};

double in_turn(whole_node& node, const std::string& kind, std::string_view text,
               std::uint64_t first, std::uint64_t count) {
  return drive<telling_driver>(
      node, [kind, first]() mutable { return agent(kind, first++); }, std::string{text}, count,
      window);
}

double messages_to_64_agents() {
  constexpr std::uint64_t each = 300;
  temporary_folder folder;
  whole_node node{1, {}, on_disk(folder.path(), std::chrono::hours{1})};
  node.wait_for_members();
  in_turn(node, "large", "tell", 1, writers); // all are there
  std::list<running_logic> senders;
  for (std::uint64_t i = 1; i <= writers; ++i)
    senders.emplace_back(node, [&](std::promise<double>* done) {
      return std::make_unique<telling_driver>([i] { return agent("large", i); }, "tell", each, 1,
                                              done);
    });
  auto begun = std::chrono::steady_clock::now();
  for (auto& one : senders)
    one.begin();
  for (auto& one : senders)
    one.figure();
  return static_cast<double>(each * writers) / seconds_since(begun);
}

std::uint64_t resident() { return tests::resident_bytes(::getpid()); }

void activations() {
  constexpr std::uint64_t count = 50'000, first = 1'000;
  temporary_folder folder;
  {
    whole_node node{1, {}, on_disk(folder.path(), std::chrono::hours{1})};
    node.wait_for_members();
    in_turn(node, "large", "tell", 1, first + count);
  }
  whole_node node{1, {}, on_disk(folder.path(), std::chrono::hours{1})};
  node.wait_for_members();
  in_turn(node, "large", look, 1, first); // what the first agents bring along is not theirs
  auto before = resident();
  auto rate = in_turn(node, "large", look, first + 1, count);
  auto grown = resident() - before;
  report("durable agents activated from the disk, 64 at a time", "1/s", rate, "aim: 50000");
  report("a durable agent that was activated, without its state of 1 KiB: resident memory", "B",
         static_cast<double>(grown) / static_cast<double>(count) - large_state, "aim: 2048");
}

void a_million() {
  constexpr std::uint64_t all = 1'000'000, active = 10'000;
  temporary_folder folder;
  whole_node node{1, {}, on_disk(folder.path(), std::chrono::seconds{2})};
  node.wait_for_members();
  in_turn(node, "small", "tell", 1, active);
  auto agents = [&] { return node.host().counted.plain().agents.load(); };
  auto wait_for_rest = [&] {
    for (auto begun = std::chrono::steady_clock::now(); agents() > writers;)
      if (std::this_thread::sleep_for(std::chrono::milliseconds{50}); seconds_since(begun) > 60)
        throw std::runtime_error("agents do not leave");
  };
  wait_for_rest();
  auto before = resident();
  auto begun = std::chrono::steady_clock::now();
  in_turn(node, "small", "tell", active + 1, all - active);
  report("a million durable agents told one thing each, 64 at a time", "s", seconds_since(begun));
  wait_for_rest();
  report("the node when all of them are passivated: memory that it has not given back", "MiB",
         static_cast<double>(resident() - before) / (1 << 20));
  auto rate = in_turn(node, "small", look, 1, active);
  report("10,000 of the million become active", "1/s", rate);
  report("the same: memory beside that of before", "MiB",
         static_cast<double>(resident() - before) / (1 << 20));
}

} // namespace

int main(int argc, char** argv) {
  bool million = argc == 2 && std::string_view{argv[1]} == "--million"; // takes minutes
  if (!million)
    read_arguments(argc, argv);
  activations(); // first: later, freed memory is used again
  if (million)
    a_million();
  std::string row(large_state, 'x');
  compare("messages to 64 durable agents with 1 KiB of state, one open each (aim: 0.5)", "1/s", 5,
          messages_to_64_agents, "synced puts of 1 KiB, RocksDB with 64 threads",
          [&] { return synced_puts(writers, 300, row); });
}
