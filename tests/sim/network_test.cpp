#include "tests/sim/network.hpp"

#include "config/limits/links.hpp"
#include "messages/agents.pb.h"
#include "tests/sim/minds.hpp"
#include "tests/sim/world.hpp"

#include <gtest/gtest.h>

namespace troupe::sim {

namespace {

using namespace std::chrono_literals;

network_options slow(std::chrono::nanoseconds least, std::chrono::nanoseconds most) {
  network_options made;
  made.latency_min = least;
  made.latency_max = most;
  return made;
}

/// Two machines and a connection between them; machine 1 notes what comes.
struct two_machines {
  explicit two_machines(network_options options = slow(100us, 10ms)) : net(when, 7, options, 2) {
    net.listen(1, [this](auto wire) { take(std::move(wire)); });
    net.dial(0, 1, [this](network::answer said, auto wire) {
      answer = said;
      mine = std::move(wire);
      if (!mine)
        return;
      mine->on_closed = [this] { closed = true; };
      mine->listen();
    });
    run(2s);
  }

  void take(std::shared_ptr<wire_end> wire) {
    theirs = std::move(wire);
    theirs->on_bytes = [this](std::string_view bytes) {
      came += bytes;
      came_at.push_back(when.now());
    };
    theirs->on_closed = [this] { their_end_closed = true; };
    theirs->listen();
  }
  void write(std::string_view text) { mine->write({text.begin(), text.end()}); }
  void run(std::chrono::nanoseconds time) {
    for (auto end = when.now() + time; when.turn(end);) {
    }
  }

  agenda when;
  network net;
  network::answer answer = network::answer::timed_out;
  std::shared_ptr<wire_end> mine, theirs;
  std::string came;
  std::vector<instant> came_at;
  bool closed = false, their_end_closed = false;
};

/// What a cluster does with that network, other things equal.
std::uint64_t hash_with(network_options network) {
  world_options options;
  options.nodes = 2;
  options.roles = simulated_roles();
  options.network = network;
  world w{1, options};
  w.settle();
  for (int i = 0; i < 4; ++i) {
    AgentMessage message;
    message.set_text("fact");
    w.send(0, make_envelope(message_kind::request,
                            address::of_agent(name{"keeper/" + std::to_string(i)}), message));
  }
  w.run_until([&] { return w.received.size() == 4; }, 10s);
  EXPECT_EQ(w.received.size(), 4u);
  return w.trace_hash();
}

} // namespace

TEST(network, what_is_written_comes_in_order_however_late_each_part_is) {
  two_machines two;
  ASSERT_EQ(two.answer, network::answer::connected);
  std::string all;
  for (char c = 'a'; c <= 'z'; ++c) {
    two.write({&c, 1});
    all += c;
  }
  two.run(1s);
  EXPECT_EQ(two.came, all);
}

TEST(network, a_lost_packet_comes_later_and_what_follows_waits_for_it) {
  auto options = slow(1ms, 1ms);
  options.lost_once_in = 4;
  two_machines two{options};
  auto begin = two.when.now();
  for (char c = 'a'; c <= 'z'; ++c)
    two.write({&c, 1});
  two.run(10s);
  EXPECT_EQ(two.came, "abcdefghijklmnopqrstuvwxyz");
  EXPECT_GE(two.came_at.back() - begin, options.sent_again_after);
}

TEST(network, a_cut_holds_one_direction_back_and_not_the_other) {
  two_machines two{slow(1ms, 1ms)};
  two.net.cut(0, 1, 3s);
  std::string back;
  two.mine->on_bytes = [&](std::string_view bytes) { back += bytes; };
  two.write("late");
  two.theirs->write({'s', 'o', 'o', 'n'});
  two.run(2s);
  EXPECT_EQ(two.came, "");
  EXPECT_EQ(back, "soon");
  two.run(2s);
  EXPECT_EQ(two.came, "late");
}

TEST(network, a_broken_connection_loses_what_is_on_its_way_and_both_ends_hear_of_it) {
  two_machines two{slow(10ms, 10ms)};
  two.write("never");
  two.net.break_all(0, 1);
  two.run(1s);
  EXPECT_EQ(two.came, "");
  EXPECT_TRUE(two.closed);
  EXPECT_TRUE(two.their_end_closed);
}

TEST(network, a_process_that_ends_is_heard_of_and_a_machine_without_power_is_not) {
  two_machines ends{slow(1ms, 1ms)}, dark{slow(1ms, 1ms)};
  ends.net.stop(1, false);
  dark.net.stop(1, true);
  ends.run(1s);
  dark.run(1s);
  EXPECT_TRUE(ends.closed);
  EXPECT_FALSE(dark.closed);
}

TEST(network, nobody_listens_is_refused_and_no_machine_is_silence) {
  two_machines two;
  auto dial = [&] {
    two.net.dial(0, 1, [&](network::answer said, auto) { two.answer = said; });
    two.run(2 * limits::dial_timeout);
    return two.answer;
  };
  two.net.stop(1, false);
  EXPECT_EQ(dial(), network::answer::refused);
  two.net.stop(1, true);
  EXPECT_EQ(dial(), network::answer::timed_out);
  two.net.start(1);
  EXPECT_EQ(dial(), network::answer::refused);
}

TEST(network, a_machine_that_pauses_reads_when_it_goes_on) {
  two_machines two{slow(1ms, 1ms)};
  two.net.pause(1, 3s);
  two.write("waits");
  bool done = false;
  two.net.when_running(1, [&] { done = true; });
  two.run(2s);
  EXPECT_EQ(two.came, "");
  EXPECT_FALSE(done);
  EXPECT_EQ(two.mine->unsent(), 5u);
  two.run(2s);
  EXPECT_EQ(two.came, "waits");
  EXPECT_TRUE(done);
  EXPECT_EQ(two.mine->unsent(), 0u);
}

TEST(network, a_machine_that_pauses_hears_that_there_is_room_when_it_goes_on) {
  two_machines two{slow(1ms, 1ms)};
  int room = 0;
  two.mine->on_room = [&] { ++room; };
  two.write("read at once");
  two.net.pause(0, 3s);
  two.run(2s);
  EXPECT_EQ(two.came, "read at once");
  EXPECT_EQ(room, 0);
  two.run(2s);
  EXPECT_EQ(room, 1);
}

TEST(network, the_history_of_a_cluster_depends_on_it) {
  auto network = slow(100us, 5ms);
  EXPECT_EQ(hash_with(network), hash_with(network));
  EXPECT_NE(hash_with(network), hash_with(slow(100us, 6ms)));
}

} // namespace troupe::sim
