#include "actors/llm/offline/offline_provider_logic.hpp"

#include "actors/llm/caller_label.hpp"
#include "actors/llm/offline/offline_model.hpp"
#include "actors/llm/refuse_call.hpp"
#include "actors/llm/unit_cutter.hpp"
#include "actors/message_title.hpp"
#include "actors/unread.hpp"
#include "messages/agents.pb.h"
#include "messages/models.pb.h"

#include <algorithm>

namespace troupe {

namespace {

constexpr std::string_view log_component = "models";
constexpr std::string_view provider_name = "offline";

bool has_user_message(const ModelRequest& asked) {
  return std::any_of(asked.messages().begin(), asked.messages().end(),
                     [](const auto& message) { return message.role() == "user"; });
}

ModelAnswer to_message(offline_answer_text answered) {
  ModelAnswer made;
  made.set_text(std::move(answered.text));
  made.set_input_tokens(answered.input_tokens);
  made.set_output_tokens(answered.output_tokens);
  made.set_finish_reason(std::string(answered.finish_reason));
  made.set_provider(std::string(provider_name));
  made.set_model(std::string(offline_model_name));
  return made;
}

} // namespace

offline_provider_logic::offline_provider_logic(options chosen, metrics& counted)
    : options_(chosen), counted_(counted) {}

void offline_provider_logic::start(step_context&, const address& self) { self_ = self; }

void offline_provider_logic::step(step_context& context, event input) {
  if (auto* request = std::get_if<envelope>(&input)) {
    if (request->kind == message_kind::request)
      return take(context, std::move(*request));
    if (request->kind == message_kind::cancel)
      return give_up(context, *request);
    return not_taken(context, "service offline", *request);
  }
  auto* fired = std::get_if<timer_fired>(&input);
  if (!fired)
    return;
  auto due = waiting_.extract(fired->timer);
  if (!due.empty())
    work_on(context, due.mapped());
}

void offline_provider_logic::stop(step_context& context) {
  for (auto& [timer, waiting] : waiting_)
    refuse_call(context, waiting.request,
                {ec::unavailable, "the offline model of this node is stopping: try again"});
  waiting_.clear();
}

void offline_provider_logic::take(step_context& context, envelope request) {
  request.target = self_;
  call fresh{std::move(request), context.now, instant::max()};
  auto* asked = fresh.request.body.as<ModelRequest>();
  if (!asked)
    return not_taken(context, "service offline", fresh.request);
  if (fresh.request.remaining.count() != 0)
    fresh.deadline = context.now + fresh.request.remaining;
  if (!asked->model().empty() && asked->model() != offline_model_name)
    return refuse_call(context, fresh.request,
                       {ec::unknown_model, "there is no model \"" + asked->model()
                                               + "\" here; the models there are: offline"});
  if (!has_user_message(*asked))
    return refuse_call(
        context, fresh.request,
        {ec::invalid_argument,
         "the request has no message of the role \"user\", so there is nothing to answer"});
  if (options_.delay.count() <= 0 || fresh.deadline <= context.now)
    return work_on(context, fresh);
  if (auto* known = repeated(fresh.request)) {
    known->request.attempt = std::max(known->request.attempt, fresh.request.attempt);
    return;
  }
  if (waiting_.size() >= options_.waiting_max)
    return refuse_call(context, fresh.request,
                       {ec::overloaded, "the offline model has " + std::to_string(waiting_.size())
                                            + " calls waiting, its limit: try again later"});
  do
    ++last_timer_;
  while (last_timer_ == 0 || waiting_.contains(last_timer_));
  auto after = std::min<std::chrono::nanoseconds>(options_.delay, fresh.deadline - context.now);
  context.out.arm(last_timer_, after);
  context.out.debug(
      log_component,
      [&] {
        return "lets the call " + message_title(fresh.request.id) + " of "
               + to_string(fresh.request.sender) + " wait, number "
               + std::to_string(waiting_.size() + 1);
      },
      fresh.request.trace.trace);
  waiting_.emplace(last_timer_, std::move(fresh));
}

/// A waiting call is no longer worked on; a call that was worked on has been answered.
void offline_provider_logic::give_up(step_context& context, const envelope& order) {
  for (auto one = waiting_.begin(); one != waiting_.end(); ++one) {
    auto& [timer, waiting] = *one;
    if (waiting.request.id != order.id || waiting.request.sender != order.sender)
      continue;
    context.out.arm(timer, std::chrono::nanoseconds{0});
    refuse_call(context, waiting.request, {ec::cancelled, "the call was cancelled"});
    waiting_.erase(one);
    return;
  }
}

void offline_provider_logic::work_on(step_context& context, call& waiting) {
  if (waiting.deadline <= context.now)
    return refuse_call(
        context, waiting.request,
        {ec::timed_out, "no time was left for the offline model when it was this call's turn"});
  auto* asked = waiting.request.body.as<ModelRequest>();
  auto answer = to_message(offline_answer(*asked));
  answer.set_id("offline-" + to_string(context.next_span()));
  answer.set_began_ns(waiting.arrived.time_since_epoch().count());
  counted_.model_called({offline_model_name, caller_label(waiting.request.sender), provider_name,
                         false, provider_name},
                        answer.input_tokens(), answer.output_tokens(),
                        context.time() - waiting.arrived);
  context.out.debug(
      log_component,
      [&] {
        return "answers the call " + message_title(waiting.request.id) + " of "
               + to_string(waiting.request.sender) + " with "
               + std::to_string(answer.output_tokens()) + " tokens";
      },
      waiting.request.trace.trace);
  if (asked->stream())
    send_pieces(context, waiting.request, answer.text(), asked->unit());
  context.out.send(reply_to(waiting.request, std::move(answer)));
}

void offline_provider_logic::send_pieces(step_context& context, const envelope& request,
                                         std::string_view text, PieceUnit unit) {
  std::uint32_t index = 0;
  auto send = [&](std::string_view part) {
    Piece piece;
    piece.set_attempt(request.attempt);
    piece.set_restarted(index == 0 && request.attempt > 1);
    piece.set_index(index++);
    piece.set_text(std::string(part));
    context.out.send(reply_to(request, std::move(piece), message_kind::piece));
  };
  if (unit == UNIT_AS_IT_COMES) {
    for (auto part : pieces_of(text))
      send(part);
    return;
  }
  unit_cutter cutter{unit};
  std::vector<std::string> units;
  cutter.give(text, units);
  for (const auto& whole : units)
    send(whole);
  if (auto rest = cutter.rest(); !rest.empty())
    send(rest);
}

/// A waiting call that `request` only repeats: it is done once.
offline_provider_logic::call* offline_provider_logic::repeated(const envelope& request) {
  if (request.attempt <= 1)
    return nullptr;
  for (auto& [timer, waiting] : waiting_)
    if (waiting.request.id == request.id && waiting.request.sender == request.sender)
      return &waiting;
  return nullptr;
}

} // namespace troupe
