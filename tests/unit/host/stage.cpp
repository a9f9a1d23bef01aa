#include "tests/unit/host/stage.hpp"

#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"

namespace troupe::test {

namespace {

caf::actor_system_config& configured(caf::actor_system_config& cfg) {
  cfg.load<parking_scheduler>();
  cfg.set("scheduler.max-threads", std::uint64_t{2});
  return cfg;
}

envelope echo_to(const address& whom, std::string text, message_kind kind) {
  Echo echo;
  echo.set_bytes(std::move(text));
  auto message = make_envelope(kind, whom, std::move(echo));
  message.sender = address::of(service::desk);
  return message;
}

} // namespace

std::unique_ptr<scripted> answering() {
  auto made = std::make_unique<scripted>();
  auto held = std::make_shared<std::vector<envelope>>();
  made->on_step = [held](step_context& context, event input) {
    auto message = std::get_if<envelope>(&input);
    if (!message)
      return;
    auto text = message->body.as<Echo>()->bytes();
    if (text == "fail")
      throw std::runtime_error{"as it was told"};
    if (text == "hold")
      held->push_back(std::move(*message));
    else if (message->kind == message_kind::request)
      context.out.send(reply_to(*message, std::move(*message->body.as<Echo>())));
  };
  made->on_stop = [held](step_context& context) {
    for (auto& message : *held)
      context.out.send(reply_failure(message, {ec::unavailable, "stopped"}));
  };
  return made;
}

std::unique_ptr<scripted> answering_after(std::shared_future<void> go) {
  auto made = answering();
  made->on_start = [go = std::move(go)](step_context&, const address&) { go.wait(); };
  return made;
}

stage::stage() : system_(configured(cfg_)) {
  host_.log = make_null_log_sink();
  host_.spans = std::make_unique<recorder>(recorder_options{}, host_.counted, host_.log);
  // Here everybody may send an Echo to everybody.
  auto everything_goes = [](const envelope&, node_id) noexcept { return ruling::kept; };
  host_.post = std::make_unique<post>(self, host_.counted, host_.log, everything_goes);
  NodeInfo own;
  own.set_id(to_bytes(self));
  host_.post->publish(std::make_shared<member_view>(configured_view(own, {})));
  auto mind = std::make_unique<scripted>();
  mind->on_step = [this](step_context&, event input) {
    if (auto message = std::get_if<envelope>(&input))
      received_.put(std::move(*message));
  };
  receiver_ = run(address::of(service::desk), std::move(mind));
}

stage::~stage() {
  auto ended = end_of(receiver_);
  caf::anon_send(receiver_, atom::stop_v);
  receiver_ = nullptr;
  ended.wait();
  host_.threads->wait_for_none(1min); // what they use must outlive them
}

std::uint64_t stage::ask(const address& whom, std::string text,
                         std::chrono::milliseconds remaining) {
  auto message = echo_to(whom, std::move(text), message_kind::request);
  message.remaining = remaining;
  message.id = {{7}, ++asked_};
  host_.post->send(std::move(message));
  return asked_;
}

void stage::tell(const address& whom, std::string text) {
  host_.post->send(echo_to(whom, std::move(text), message_kind::event));
}

stage::answer stage::next_answer() {
  auto reply = received_.take();
  if (!reply)
    return {0, "nothing came", ec::timed_out};
  if (auto why = failure_in(*reply))
    return {reply->id.sequence, why->message, why->code};
  auto echo = reply->body.as<Echo>();
  return {reply->id.sequence, echo ? echo->bytes() : "no Echo", ec::none};
}

} // namespace troupe::test
