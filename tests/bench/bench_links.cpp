// Envelopes between two node processes: one way, round trips with 64 in flight, and single round
// trips. The yardsticks are CAF's remote actors (BASP) and raw TCP between two processes of the
// same run. The payload has 100 bytes.
#include "messages/agents.pb.h"
#include "tests/bench/driver.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/two_processes.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/io/middleman.hpp>
#include <caf/stateful_actor.hpp>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace troupe;
using namespace troupe::bench;
using test::info_of;
using test::whole_node;
using steady = std::chrono::steady_clock;

constexpr std::uint64_t batch = 256; ///< one-way messages, the last of which is answered

/// Sends events to one agent of the other node. Every 256th message is a request, and at most 64
/// requests are open.
class one_way_driver : public logic {
public:
  one_way_driver(address target, std::uint64_t count, std::promise<double>* done)
      : target_(std::move(target)), batches_(count / batch), done_(done) {}

  void start(step_context& context, const address& self) override {
    self_ = self;
    session_ = {context.random.next() | 1};
    for (int i = 0; i < 64; ++i)
      fire(context);
  }

  void step(step_context& context, event input) override {
    if (!std::holds_alternative<envelope>(input))
      return;
    if (++answered_ == batches_)
      done_->set_value(static_cast<double>(batches_ * batch) / seconds_since(begun_));
    else
      fire(context);
  }

private:
  void fire(step_context& context) {
    if (sent_ == batches_)
      return;
    ++sent_;
    for (std::uint64_t i = 1; i <= batch; ++i) {
      Echo echo;
      echo.mutable_bytes()->assign(100, 'x');
      auto message = make_envelope(i < batch ? message_kind::event : message_kind::request, target_,
                                   std::move(echo));
      message.id = {session_, ++sequence_};
      message.sender = self_;
      context.out.send(std::move(message));
    }
  }

  address target_, self_;
  session_id session_;
  std::uint64_t batches_, sent_ = 0, answered_ = 0, sequence_ = 0;
  steady::time_point begun_ = steady::now();
  std::promise<double>* done_;
};

// -- CAF's own remote actors ----------------------------------------------------------------------

struct basp_config : caf::actor_system_config {
  basp_config() { load<caf::io::middleman>(); }
};

caf::behavior basp_echo(caf::event_based_actor*) {
  return {[](std::string& text) { return std::move(text); }, [](int, const std::string&) {}};
}

struct basp_state {
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  steady::time_point begun = steady::now();
};

caf::behavior basp_client(caf::stateful_actor<basp_state>* self, caf::actor target,
                          std::uint64_t count, std::uint64_t window, std::uint64_t per_answer,
                          std::promise<double>* done) {
  auto fire = [=] {
    for (std::uint64_t i = 1; i < per_answer; ++i)
      self->send(target, 1, std::string(100, 'x'));
    self->send(target, std::string(100, 'x'));
    self->state.sent += per_answer;
  };
  for (std::uint64_t i = 0; i < window; ++i)
    fire();
  return {[=](std::string&) {
    auto& state = self->state;
    state.answered += per_answer;
    if (state.answered >= count) {
      done->set_value(static_cast<double>(state.answered) / seconds_since(state.begun));
      self->quit();
    } else if (state.sent < count) {
      fire();
    }
  }};
}

double basp(const std::string& port, std::uint64_t count, std::uint64_t window,
            std::uint64_t per_answer) {
  basp_config cfg;
  caf::actor_system system{cfg};
  auto target =
      system.middleman().remote_actor("127.0.0.1", static_cast<std::uint16_t>(std::stoi(port)));
  if (!target)
    return 0;
  std::promise<double> done;
  system.spawn(basp_client, *target, count, window, per_answer, &done);
  return done.get_future().get();
}

void serve_basp(const other_process::announcer& announce, const std::function<void()>& wait) {
  basp_config cfg;
  caf::actor_system system{cfg};
  auto echo = system.spawn(basp_echo);
  if (auto port = system.middleman().publish(echo, 0, "127.0.0.1"))
    announce(std::to_string(*port));
  wait();
  ::_exit(0);
}

// -- raw TCP --------------------------------------------------------------------------------------

void serve_tcp(const other_process::announcer& announce, const std::function<void()>&) {
  auto listening = listen_on({"127.0.0.1", 0});
  announce(local_address(listening->get()));
  ::fcntl(listening->get(), F_SETFL, 0);
  int peer = ::accept(listening->get(), nullptr, nullptr);
  prepare_connection(peer);
  char buffer[128];
  while (::recv(peer, buffer, 100, MSG_WAITALL) == 100)
    if (::send(peer, buffer, 100, MSG_NOSIGNAL) != 100)
      break;
}

double raw_tcp(int socket, int count) {
  char buffer[128] = {};
  auto begun = steady::now();
  for (int i = 0; i < count; ++i)
    if (::send(socket, buffer, 100, MSG_NOSIGNAL) != 100
        || ::recv(socket, buffer, 100, MSG_WAITALL) != 100)
      return 0;
  return count / seconds_since(begun);
}

} // namespace

int main() {
  other_process tcp{serve_tcp};
  other_process remote_actors{serve_basp};
  other_process peer{[](const auto& announce, const auto& wait) {
    whole_node node{2, {info_of(1)}};
    announce(node.listen());
    wait();
    ::_exit(0);
  }};
  whole_node node{1, {info_of(2)}};
  node.dial(2, peer.place());
  if (!node.wait_for_members())
    return 1;
  auto target = address::of_agent(name{"echo/1"}, whole_node::id_of(2));
  compare(
      "envelopes one way between two nodes, 100 B", "1/s", 5,
      [&] { return drive<one_way_driver>(node, target, std::uint64_t{2'000'000}); },
      "CAF remote actors (BASP)", [&] { return basp(remote_actors.place(), 400'000, 64, batch); });
  compare(
      "round trips between two nodes, 64 in flight", "1/s", 5,
      [&] { return drive<driver>(node, target, std::uint64_t{300'000}, std::uint64_t{64}); },
      "CAF remote actors (BASP)", [&] { return basp(remote_actors.place(), 100'000, 64, 1); });
  compare(
      "messages to an agent's mind between two nodes, 64 in flight", "1/s", 5,
      [&] {
        return drive<message_driver>(node, target, std::uint64_t{300'000}, std::uint64_t{64});
      },
      "CAF remote actors (BASP)", [&] { return basp(remote_actors.place(), 100'000, 64, 1); });
  auto tcp_socket = start_connecting(*parse_address(tcp.place()));
  ::fcntl(tcp_socket->get(), F_SETFL, 0);
  compare(
      "a lone round trip between two nodes", "1/s", 5,
      [&] { return drive<driver>(node, target, std::uint64_t{20'000}, std::uint64_t{1}); },
      "raw TCP", [&] { return raw_tcp(tcp_socket->get(), 20'000); });
  compare(
      "a lone message to an agent's mind between two nodes", "1/s", 5,
      [&] { return drive<message_driver>(node, target, std::uint64_t{20'000}, std::uint64_t{1}); },
      "raw TCP", [&] { return raw_tcp(tcp_socket->get(), 20'000); });
}
