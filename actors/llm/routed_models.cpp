#include "actors/llm/routed_models.hpp"

#include "actors/llm/inner_step.hpp"
#include "actors/llm/refuse_call.hpp"
#include "actors/llm/routing/answer_score.hpp"
#include "actors/message_title.hpp"
#include "config/base/invariants.hpp"
#include "config/limits/pacing.hpp"
#include "telemetry/otlp_retry.hpp"
#include "telemetry/trace_words.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace troupe {

namespace {

constexpr std::string_view component = "models";
constexpr std::uint64_t nobody = 0; ///< no attempt has that sequence

models_logic::options with_end(models_logic::options chosen,
                               std::function<void(const carried_call&)> tell) {
  chosen.tell_end = std::move(tell);
  return chosen;
}

std::string score_text(double score, double accept) {
  char text[96];
  std::snprintf(text, sizeof text, "its answer scored %.2f, and %.2f is wanted", score, accept);
  return text;
}

/// What a failure says of it.
model_usage used_before(envelope& failed) {
  const auto* told = failed.body.as<Failure>();
  return told ? usage_in(*told) : model_usage{};
}

/// Nobody can answer: too long for all of them, or not possible otherwise.
ec code_of(const routing_decision& made) {
  bool is_long = std::all_of(made.all.begin(), made.all.end(), [](const auto& one) {
    return one.why == exclusion::short_context || one.why == exclusion::short_output;
  });
  return is_long ? ec::too_large : ec::invalid_argument;
}

/// The call of a role that says nothing of it, and no class of a route either.
void bound_answer(ModelRequest& call) {
  if (call.max_output_tokens() == 0 && !call.role().empty())
    call.set_max_output_tokens(usual_output_tokens);
}

} // namespace

routed_models::routed_models(models_logic::options chosen, metrics& counted)
    : inner_(with_end(chosen,
                      [this](const carried_call& one) {
                        if (one.request().id.session == own_)
                          ended_[one.request().id.sequence] = {one.status(), one.retry_after(),
                                                               one.was_sent()};
                      }),
             counted),
      catalog_(std::move(chosen.catalog)) {
  for (const auto& route : catalog_.routes)
    routes_.emplace(route.name, make_router(route, catalog_, *chosen.prices, known_capabilities()));
}

void routed_models::start(step_context& context, const address& self) {
  if (!routes_.empty())
    own_ = session_id{context.random.next() | 1};
  self_ = self;
  inner_.start(context, self);
}

void routed_models::step(step_context& context, event input) {
  auto* fired = std::get_if<timer_fired>(&input);
  if (fired && !routes_.empty() && (fired->timer & own_timers) != 0)
    return end_late(context, fired->timer & ~own_timers);
  auto* message = std::get_if<envelope>(&input);
  if (!message)
    return pass_on(context, std::move(input));
  if (message->kind == message_kind::request) {
    auto* asked = message->body.as<ModelRequest>();
    auto route = asked ? routes_.find(asked->model()) : routes_.end();
    if (asked && route == routes_.end())
      bound_answer(*asked);
    if (route == routes_.end())
      return pass_on(context, std::move(input));
    if (auto known = message->attempt > 1 ? find(*message) : calls_.end(); known != calls_.end()) {
      known->second.request.attempt = std::max(known->second.request.attempt, message->attempt);
      return;
    }
    return begin(context, std::move(*message), route->second);
  }
  if (message->kind == message_kind::cancel || message->kind == message_kind::acknowledge)
    if (auto known = find(*message); known != calls_.end())
      return message->kind == message_kind::cancel
                 ? cancelled(context, known->first)
                 : taken(context, std::move(*message), known->second);
  if (is_own_outcome(*message))
    return came(context, std::move(*message)); // of the offline model
  pass_on(context, std::move(input));
}

/// models_logic makes a step; what it says about attempts is worked on here, the rest goes out.
void routed_models::pass_on(step_context& context, event input) {
  if (routes_.empty())
    return inner_.step(context, std::move(input));
  take_own(context, inner_step(context, [&](step_context& within) {
             inner_.step(within, std::move(input));
           }));
}

void routed_models::take_own(step_context& context, std::vector<envelope> came_out) {
  for (auto& message : came_out) {
    if (is_own_outcome(message)) {
      came(context, std::move(message));
      continue;
    }
    if (!routes_.empty() && message.id.session == own_)
      message.sender = self_; // to the offline model, which is to answer here
    context.out.send(std::move(message));
  }
}

bool routed_models::is_own_outcome(const envelope& message) const {
  return !routes_.empty() && message.id.session == own_
         && (message.kind == message_kind::reply || message.kind == message_kind::piece);
}

void routed_models::settle(step_context& context) { inner_.settle(context); }

void routed_models::stop(step_context& context) {
  while (!calls_.empty()) {
    auto one = calls_.begin();
    refuse_call(context, one->second.request,
                {ec::unavailable, "the models of this node are stopping: try again"});
    forget(context, one->first);
  }
  // Those of attempts find no call any more.
  take_own(context, inner_step(context, [&](step_context& within) { inner_.stop(within); }));
}

// -- a call comes ---------------------------------------------------------------------------------

circuit_breaker& routed_models::breaker_of(const router& of, std::uint16_t candidate) {
  return breakers_[of.candidates()[candidate].title()];
}

candidate_health routed_models::health_of(const router& of, std::uint16_t candidate, instant now) {
  if (!breaker_of(of, candidate).lets_pass(now))
    return candidate_health::failing;
  auto free_at = inner_.takes_calls_at(of.candidates()[candidate].provider, now);
  return free_at > now + limits::pace_pass_over ? candidate_health::waiting
                                                : candidate_health::fine;
}

void routed_models::begin(step_context& context, envelope request, router& of) {
  const auto& call = *request.body.as<ModelRequest>();
  if (auto why = mistake_in(call))
    return refuse_call(context, request, {ec::invalid_argument, std::move(*why)});
  auto asked = question_of(call);
  std::vector<candidate_health> health;
  auto count = static_cast<std::uint16_t>(of.candidates().size());
  for (std::uint16_t i = 0; i < count; ++i)
    health.push_back(health_of(of, i, context.now));
  auto decision = of.decide(asked, health, context.now);
  context.out.debug(
      component,
      [&] {
        return "route " + decision.route + " of the call " + message_title(request.id) + ": "
               + summary_of(decision, of.candidates());
      },
      request.trace.trace);
  if (decision.order.empty())
    return refuse_call(context, request,
                       {code_of(decision), why_nobody(decision, of.candidates())});
  auto order = decision.order;
  for (const auto& one : decision.all) // it may be different when it is its turn
    if (one.why == exclusion::failing || one.why == exclusion::waiting)
      order.push_back(one.candidate);
  budget_.call_began(context.now);
  do
    last_call_ = (last_call_ + 1) & ~own_timers;
  while (last_call_ == 0 || calls_.contains(last_call_));
  auto deadline = request.remaining.count() != 0 ? context.now + request.remaining : instant::max();
  auto terms = of.route().attempts;
  numbers_.emplace(request.id, last_call_);
  auto* asked_for = request.body.as<ModelRequest>();
  calls_.emplace(last_call_, routed_call{.request = std::move(request),
                                         .asked = asked_for,
                                         .of = &of,
                                         .decision = std::move(decision),
                                         .plan = attempt_plan{order, terms, deadline},
                                         .deadline = deadline,
                                         .running = {}});
  go_on(context, last_call_);
}

/// What its plan says is done, until it says to wait.
void routed_models::go_on(step_context& context, std::uint32_t number) {
  for (;;) {
    auto found = calls_.find(number);
    if (found == calls_.end())
      return; // it was answered meanwhile
    auto& call = found->second;
    auto what = call.plan.next(
        context.now,
        [&](auto candidate, instant at) { return breaker_of(*call.of, candidate).lets_pass(at); },
        budget_, context.random.next());
    switch (what.kind) {
      case attempt_plan::advice::what::start:
        ask(context, number, what);
        break;
      case attempt_plan::advice::what::wait:
        return arm(context, number, what.until);
      case attempt_plan::advice::what::over:
        return give_up(context, number);
    }
  }
}

void routed_models::apply_settings(ModelRequest& to, const routed_call& call) {
  if (!call.decision.settings)
    return bound_answer(to);
  const auto& settings = call.of->route().classes[*call.decision.settings];
  if (settings.temperature && !to.has_temperature())
    to.set_temperature(*settings.temperature);
  if (settings.output_tokens != 0 && to.max_output_tokens() == 0)
    to.set_max_output_tokens(settings.output_tokens);
  bound_answer(to);
}

/// As the asker would ask it, under an id of its own.
void routed_models::ask(step_context& context, std::uint32_t number,
                        const attempt_plan::advice& what) {
  auto& call = calls_.at(number);
  const auto& candidate = call.of->candidates()[what.candidate];
  auto asked = call.chat();
  asked.set_model(candidate.title());
  apply_settings(asked, call);
  bool is_judged = call.of->route().policy == route_policy::cascade
                   && what.candidate != call.decision.order.back();
  if (is_judged)
    asked.set_stream(false);
  auto request = make_envelope(message_kind::request, call.request.target, std::move(asked));
  request.id = {own_, ++last_sequence_};
  request.sender = call.request.sender;
  request.trace = call.request.trace;
  request.tenant = call.request.tenant;
  request.attempt = call.request.attempt;
  if (call.deadline != instant::max())
    request.remaining =
        std::max(std::chrono::ceil<std::chrono::milliseconds>(call.deadline - context.now),
                 std::chrono::milliseconds{1});
  bool is_probe = breaker_of(*call.of, what.candidate).begin(context.now);
  call.running.push_back({what.attempt, last_sequence_, what.candidate, context.now, what.until,
                          false, is_probe, is_judged});
  attempts_.emplace(last_sequence_, number);
  pass_on(context, std::move(request));
}

// -- what comes of an attempt ---------------------------------------------------------------------

void routed_models::came(step_context& context, envelope message) {
  auto sequence = message.id.sequence;
  auto whose = attempts_.find(sequence);
  if (whose == attempts_.end()) {
    ended_.erase(sequence);
    return; // it was called off
  }
  auto number = whose->second;
  auto& call = calls_.at(number);
  if (message.kind == message_kind::piece)
    return piece_came(context, call, *call.find(sequence), std::move(message));
  if (auto why = failure_in(message))
    return failed(context, number, sequence, *why, used_before(message));
  if (auto* made = message.body.as<ModelAnswer>())
    return answered(context, number, sequence, std::move(*made));
  failed(context, number, sequence, why_not_taken("service models", message), {});
}

void routed_models::piece_came(step_context& context, routed_call& call,
                               routed_call::asked_candidate& from, envelope message) {
  message.id = call.request.id;
  if (auto* told = message.body.as<CallSpan>())
    set(*told->mutable_span(), attr::route, summary_of(call.decision, call.of->candidates()));
  else if (!from.has_piece) {
    from.has_piece = true;
    call.has_pieces = true;
    from.first_by = instant::max();
    call.of->first_piece(from.candidate, context.time() - from.began, context.now);
    call.plan.began_to_answer(from.attempt);
    call_off_others(context, call, from.sequence);
  }
  context.out.send(std::move(message));
}

void routed_models::answered(step_context& context, std::uint32_t number, std::uint64_t sequence,
                             ModelAnswer made) {
  auto& call = calls_.at(number);
  auto from = *call.find(sequence);
  breaker_of(*call.of, from.candidate).succeeded(context.now);
  if (!from.has_piece)
    call.of->first_piece(from.candidate, context.time() - from.began, context.now);
  attempts_.erase(sequence);
  std::erase_if(call.running, [&](const auto& one) { return one.sequence == sequence; });
  if (from.is_whole) {
    auto score = answer_score(call.chat(), made);
    auto accept = call.of->route().accept;
    if (score < accept) {
      call.cost_of_others += made.cost_nano_usd();
      call.poor = std::move(made);
      call.plan.not_accepted(from.attempt, context.now, score_text(score, accept));
      return go_on(context, number);
    }
  }
  answer(context, number, std::move(made), from.is_whole);
}

void routed_models::answer(step_context& context, std::uint32_t number, ModelAnswer with,
                           bool was_whole) {
  auto& call = calls_.at(number);
  call_off_others(context, call, nobody);
  with.set_cost_nano_usd(with.cost_nano_usd() + call.cost_of_others);
  if (was_whole && call.chat().stream() && !with.text().empty()) {
    Piece all;
    all.set_text(with.text());
    all.set_attempt(call.request.attempt);
    all.set_restarted(call.request.attempt > 1);
    context.out.send(reply_to(call.request, std::move(all), message_kind::piece));
  }
  context.out.send(reply_to(call.request, std::move(with)));
  forget(context, number);
  check_invariants(*this);
}

void routed_models::failed(step_context& context, std::uint32_t number, std::uint64_t sequence,
                           const failure& why, const model_usage& used) {
  auto& call = calls_.at(number);
  auto from = *call.find(sequence);
  attempt_failure ended{why, 0, false, {}};
  if (auto told = ended_.find(sequence); told != ended_.end()) {
    ended.status = told->second.status;
    ended.was_sent = told->second.was_sent;
    auto now = std::chrono::time_point_cast<std::chrono::system_clock::duration>(context.time());
    ended.retry_after = parse_retry_after(told->second.retry_after, now);
    ended_.erase(told);
  }
  call.cost_of_others += cost_of_failed(call, from.candidate, ended, used);
  auto& breaker = breaker_of(*call.of, from.candidate);
  if (is_illness(ended)) {
    breaker.failed(context.now);
    call.of->failed(from.candidate, context.now - from.began, context.now);
  } else {
    breaker.told_nothing(from.is_probe);
  }
  attempts_.erase(sequence);
  std::erase_if(call.running, [&](const auto& one) { return one.sequence == sequence; });
  call.plan.failed(from.attempt, context.now, std::move(ended));
  go_on(context, number);
}

} // namespace troupe
