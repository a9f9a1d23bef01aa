#include "tests/support/node/asking.hpp"

#include "actors/host/logic_shell.hpp"
#include "messages/agents.pb.h"
#include "messages/runs.pb.h"

#include <caf/send.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <utility>

namespace troupe::test {

namespace {

using namespace std::chrono_literals;

bool is_news(envelope& message) {
  return message.body.as<RunAccepted>() || message.body.as<RunProgress>()
         || message.body.as<Piece>();
}

class asking : public logic {
public:
  asking(envelope request, std::promise<envelope>& answer)
      : request_(std::move(request)), answer_(&answer) {}

  void start(step_context& context, const address& self) override {
    request_.sender = self;
    request_.id = {{context.random.next() | 1}, 1};
    context.out.send(std::move(request_));
  }
  void step(step_context&, event input) override {
    auto message = std::get_if<envelope>(&input);
    if (message && answer_ && !is_news(*message))
      std::exchange(answer_, nullptr)->set_value(std::move(*message));
  }

private:
  envelope request_;
  std::promise<envelope>* answer_; ///< null once it is given
};

} // namespace

placed_agent::placed_agent(whole_node& node, std::unique_ptr<logic> mind) {
  static std::atomic<std::uint64_t> placed{0};
  name agent{"asking/" + std::to_string(++placed)};
  place_ = address::of_agent(agent, node.mail().self());
  shell_ = node.system().spawn<logic_shell, caf::lazy_init>(node.host(), place_, std::move(mind));
  node.mail().place(agent, shell_);
  caf::anon_send(shell_, atom::begin_v);
}

placed_agent::~placed_agent() {
  std::promise<void> ended;
  shell_->attach_functor([&](const caf::error&) { ended.set_value(); });
  caf::anon_send(shell_, atom::stop_v);
  ended.get_future().wait();
}

std::optional<envelope> ask_as_agent(whole_node& node, envelope request) {
  std::promise<envelope> answer;
  placed_agent agent{node, std::make_unique<asking>(std::move(request), answer)};
  auto came = answer.get_future();
  if (came.wait_for(20s) != std::future_status::ready)
    return std::nullopt;
  return came.get();
}

} // namespace troupe::test
