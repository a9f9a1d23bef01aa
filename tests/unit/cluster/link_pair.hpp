#pragma once

#include "actors/cluster/link_logic.hpp"
#include "actors/cluster/outbox.hpp"
#include "config/limits/links.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Two ends of a link in one process, driven by hand.
namespace troupe::tests {

using namespace std::chrono_literals;

inline constexpr instant start_time{1'000'000s};

inline Hello hello_of(std::uint64_t id, char nonce) {
  Hello hello;
  hello.set_version(link_version);
  hello.set_cluster("test");
  hello.set_nonce(std::string(32, nonce));
  hello.mutable_node()->set_id(to_bytes(node_id{0, id}));
  hello.mutable_node()->set_name("node-" + std::to_string(id));
  return hello;
}

/// Two ends that are connected directly. The left one dials.
struct link_pair {
  link_logic::options left_options{hello_of(1, 'a'), "secret", true, {}};
  link_logic::options right_options{hello_of(2, 'b'), "secret", false, {}};
  std::optional<link_logic> left, right;
  link_logic::effects at_left, at_right; ///< of the last exchange, merged

  void connect() {
    begin();
    exchange();
  }

  void begin() {
    left.emplace(left_options, start_time);
    right.emplace(right_options, start_time);
    at_left = left->begin();
    at_right = right->begin();
  }

  /// Carries bytes in both directions until no end has any.
  void exchange() {
    while (!at_left.write.empty() || !at_right.write.empty()) {
      auto to_right = std::exchange(at_left.write, {});
      auto to_left = std::exchange(at_right.write, {});
      feed_right(to_right);
      merge(at_left, left->feed({to_left.data(), to_left.size()}, start_time));
      EXPECT_TRUE(left->invariants());
    }
  }

  void feed_right(const std::vector<char>& bytes) {
    merge(at_right, right->feed({bytes.data(), bytes.size()}, start_time));
    EXPECT_TRUE(right->invariants());
  }

  static void merge(link_logic::effects& all, link_logic::effects more) {
    all.write.insert(all.write.end(), more.write.begin(), more.write.end());
    for (auto& message : more.received)
      all.received.push_back(std::move(message));
    if (more.proven)
      all.proven = more.proven;
    all.confirmed = all.confirmed || more.confirmed;
    if (more.welcome)
      all.welcome = more.welcome;
    if (more.failed && !all.failed)
      all.failed = more.failed;
  }

  /// The bytes of everything in `box`, as the left end sends them.
  std::vector<char> taken_from(outbox& box) {
    std::vector<char> bytes;
    while (box.take(bytes, 100'000, *left->seal())) {
    }
    return bytes;
  }

  /// Feeds the contents of `box` to the right end.
  void deliver(outbox& box) { feed_right(taken_from(box)); }

  /// One frame from the left end.
  std::vector<char> frame(frame_kind kind, std::string_view body) {
    std::vector<char> bytes;
    EXPECT_TRUE(append_sealed(bytes, kind, body, *left->seal()));
    return bytes;
  }

  /// One chunk from the left end.
  std::vector<char> chunk(std::uint32_t stream, std::size_t total, std::string_view bytes) {
    std::vector<char> body;
    append_chunk_head(body, stream, total);
    body.insert(body.end(), bytes.begin(), bytes.end());
    return frame(frame_kind::chunk, {body.data(), body.size()});
  }
};

/// Ticks like a broker from one time to another. Returns all effects.
inline link_logic::effects tick_through(link_logic& end, instant from, instant to) {
  link_logic::effects all;
  for (auto now = from; now < to && !all.failed;) {
    now = std::min(now + limits::link_tick, to);
    link_pair::merge(all, end.tick(now));
    EXPECT_TRUE(end.invariants());
  }
  return all;
}

inline envelope echo_to(std::string_view agent, std::string bytes, std::uint64_t sequence = 1) {
  Echo echo;
  echo.set_bytes(std::move(bytes));
  auto message = make_envelope(message_kind::request, address::of_agent(name{agent}), echo);
  message.id = {session_id{9}, sequence};
  message.sender = address::of_agent(name{"test/sender"}, {0, 1});
  return message;
}

} // namespace troupe::tests
