#include "actors/llm/safe_models.hpp"

#include "actors/llm/inner_step.hpp"
#include "actors/llm/refuse_call.hpp"
#include "actors/llm/safety/answered_check.hpp"
#include "actors/llm/safety/question_check.hpp"
#include "actors/message_title.hpp"
#include "config/base/invariants.hpp"
#include "config/suggest.hpp"
#include "messages/agents.pb.h"
#include "telemetry/trace_words.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

constexpr std::string_view component = "models";

/// Of an agent or a slot; empty for all others.
std::string role_that_asks(const address& sender) {
  return sender.what == address::kind::agent ? std::string{role_of(sender.agent)} : std::string{};
}

bool wants_pieces(const ModelRequest& asked) { return asked.stream(); }
bool wants_pieces(const EmbeddingRequest&) { return false; }

/// Units are cut behind the checks. What its asker wanted instead.
PieceUnit take_unit(ModelRequest& asked) {
  auto unit = asked.unit();
  asked.set_unit(UNIT_AS_IT_COMES);
  return unit;
}
PieceUnit take_unit(EmbeddingRequest&) { return UNIT_AS_IT_COMES; }

} // namespace

safe_models::safe_models(options chosen, std::unique_ptr<logic> models, metrics& counted)
    : book_(std::move(chosen.policies)), roles_(std::move(chosen.roles)),
      models_(std::move(models)), counted_(counted) {}

void safe_models::start(step_context& context, const address& self) {
  self_ = self;
  own_ = session_id{context.random.next() | 1};
  std::vector<std::string_view> known{roles_.begin(), roles_.end()};
  for (const auto& [role, policy] : book_.policies().roles)
    if (std::find(known.begin(), known.end(), role) == known.end())
      context.out.log(log_level::warning, component,
                      "safety.roles." + role + ": this node has no such role"
                          + did_you_mean(role, known));
  models_->start(context, self);
}

void safe_models::step(step_context& context, event input) {
  auto* message = std::get_if<envelope>(&input);
  if (!message)
    return pass_on(context, std::move(input));
  switch (message->kind) {
    case message_kind::request:
      if (auto* asked = message->body.as<ModelRequest>())
        return take(context, std::move(*message), *asked);
      if (auto* texts = message->body.as<EmbeddingRequest>())
        return take(context, std::move(*message), *texts);
      break;
    case message_kind::cancel:
    case message_kind::acknowledge:
      if (auto found = find(*message); found != calls_.end()) {
        if (message->kind == message_kind::acknowledge)
          return taken(context, found, std::move(*message));
        return refuse(context, found->first, {ec::cancelled, "the call was cancelled"});
      }
      break;
    case message_kind::reply:
    case message_kind::piece:
      if (message->id.session == own_)
        return came(context, std::move(*message)); // of the offline model
      break;
    case message_kind::event:
      break;
  }
  pass_on(context, std::move(input));
}

/// The models make a step; what they say about calls of here is worked on, the rest goes out.
void safe_models::pass_on(step_context& context, event input) {
  take_own(context, inner_step(context, [&](step_context& within) {
             models_->step(within, std::move(input));
           }));
}

void safe_models::take_own(step_context& context, std::vector<envelope> came_out) {
  std::vector<std::uint64_t> streamed;
  for (auto& message : came_out) {
    bool is_own = message.id.session == own_;
    if (is_own && (message.kind == message_kind::reply || message.kind == message_kind::piece)) {
      if (streamed.empty() || streamed.back() != message.id.sequence)
        streamed.push_back(message.id.sequence);
      came(context, std::move(message));
      continue;
    }
    if (is_own) // to the offline model, which is to answer here
      message.sender = self_;
    context.out.send(std::move(message));
  }
  for (auto sequence : streamed) // what that brings comes behind all of these
    if (auto found = calls_.find(sequence); found != calls_.end())
      if (auto& call = found->second; call.relayed.is_worth_telling_again())
        tell_taken(context, sequence, call, call.request.attempt);
}

void safe_models::settle(step_context& context) {
  take_own(context, inner_step(context, [&](step_context& within) { models_->settle(within); }));
}

void safe_models::stop(step_context& context) {
  take_own(context, inner_step(context, [&](step_context& within) { models_->stop(within); }));
  while (!calls_.empty()) { // those that the offline model has
    auto call = forget(calls_.begin());
    refuse_call(context, call.request,
                {ec::unavailable, "the models of this node are stopping: try again"});
  }
}

// -- a call comes ---------------------------------------------------------------------------------

template <class Asked>
void safe_models::take(step_context& context, envelope request, Asked& asked) {
  const auto& rules = book_.of(role_that_asks(request.sender), request.tenant.text());
  if (rules.are_off())
    return pass_on(context, std::move(request));
  auto known = request.attempt > 1 ? find(request) : calls_.end();
  if (known == calls_.end())
    return begin(context, std::move(request), asked, rules);
  auto& call = known->second;
  call.request.attempt = std::max(call.request.attempt, request.attempt);
  safety_tally counted_before;
  take_unit(asked);
  if (!check_question(asked, *call.rules, *call.masked, counted_before))
    ask(context, known->first, std::move(request));
}

template <class Asked>
void safe_models::begin(step_context& context, envelope request, Asked& asked,
                        const call_rules& rules) {
  safe_call fresh{.request = head_of(request),
                  .rules = &rules,
                  .masked = std::make_unique<placeholders>(),
                  .tally = {},
                  .streams = {},
                  .relayed = {},
                  .began = context.time()};
  auto unit = take_unit(asked);
  if (auto why = check_question(asked, rules, *fresh.masked, fresh.tally)) {
    tell(context, fresh, *why);
    return refuse_call(context, fresh.request, *why);
  }
  if (wants_pieces(asked))
    fresh.streams.emplace(rules.of(safety_way::answered), *fresh.masked, unit);
  auto sequence = ++last_sequence_;
  numbers_.emplace(request.id, sequence);
  calls_.emplace(sequence, std::move(fresh));
  ask(context, sequence, std::move(request));
  check_invariants(*this);
}

void safe_models::ask(step_context& context, std::uint64_t sequence, envelope request) {
  request.id = {own_, sequence};
  pass_on(context, std::move(request));
}

// -- what comes of it -----------------------------------------------------------------------------

void safe_models::came(step_context& context, envelope message) {
  auto sequence = message.id.sequence;
  auto found = calls_.find(sequence);
  if (found == calls_.end())
    return; // it was given up, or refused
  message.id = found->second.request.id;
  message.target = found->second.request.sender;
  if (message.kind == message_kind::piece)
    piece_came(context, sequence, std::move(message));
  else
    reply_came(context, sequence, std::move(message));
}

void safe_models::piece_came(step_context& context, std::uint64_t sequence, envelope message) {
  auto& call = calls_.at(sequence);
  if (auto* told = message.body.as<CallSpan>())
    return span_came(context, call, std::move(*told->mutable_span()));
  auto* piece = message.body.as<Piece>();
  if (!piece || !call.streams)
    return context.out.send(std::move(message));
  call.relayed.came(bytes_of(*piece));
  if (piece->restarted())
    call.streams->restart();
  auto attempt = piece->attempt();
  piece_checks::passed passed;
  call.streams->feed(std::move(*piece), passed);
  call.tally.add(safety_way::answered, passed.found);
  if (passed.blocked_by)
    return refuse(context, sequence,
                  safety_refusal(*passed.blocked_by, passed.why, " of the answer"));
  send_pieces(context, call, std::move(passed.pieces), attempt);
}

void safe_models::send_pieces(step_context& context, safe_call& call, std::vector<Piece> pieces,
                              std::uint32_t attempt) {
  for (auto& piece : pieces) {
    piece.set_attempt(attempt);
    piece.set_restarted(call.pieces == 0 && attempt > 1);
    piece.set_index(call.pieces++);
    call.relayed.passed_on(bytes_of(piece));
    context.out.send(reply_to(call.request, std::move(piece), message_kind::piece));
  }
}

void safe_models::reply_came(step_context& context, std::uint64_t sequence, envelope message) {
  if (auto* answer = message.body.as<ModelAnswer>())
    return answer_came(context, sequence, std::move(message), *answer);
  auto call = forget(calls_.find(sequence));
  tell(context, call, {});
  context.out.send(std::move(message));
}

/// Of an answer in pieces, what was found has been counted.
void safe_models::answer_came(step_context& context, std::uint64_t sequence, envelope message,
                              ModelAnswer& answer) {
  auto call = forget(calls_.find(sequence));
  const auto& rules = call.rules->of(safety_way::answered);
  piece_checks::passed rest;
  if (call.streams)
    call.streams->finish(rest);
  safety_counts found{};
  auto why = check_answer(answer, rules, *call.masked, found);
  bool had_pieces = call.streams && call.relayed.has_come();
  call.tally.add(safety_way::answered, had_pieces ? rest.found : found);
  if (!why && rest.blocked_by)
    why = safety_refusal(*rest.blocked_by, rest.why, " of the answer");
  if (why) {
    tell(context, call, *why);
    return refuse_call(context, call.request, *why);
  }
  send_pieces(context, call, std::move(rest.pieces), call.request.attempt);
  tell(context, call, {});
  context.out.send(std::move(message));
}

// -- its end --------------------------------------------------------------------------------------

/// Nobody waits for the call behind any more.
void safe_models::refuse(step_context& context, std::uint64_t sequence, const failure& why) {
  auto call = forget(calls_.find(sequence));
  tell(context, call, why);
  refuse_call(context, call.request, why);
  pass_on(context, make_cancel({own_, sequence}, call.request.sender, call.request.target));
  check_invariants(*this);
}

/// Counts what was found, and says it in the trace.
void safe_models::tell(step_context& context, safe_call& call, const failure& why) {
  const auto& tally = call.tally;
  for (std::size_t way = 0; way < safety_ways; ++way)
    for (std::size_t check = 0; check < safety_checks; ++check)
      if (auto times = tally.found[way][check])
        counted_.safety_found(
            to_string(static_cast<safety_check>(check)),
            to_string(call.rules->ways[way].action_of(static_cast<safety_check>(check))), times);
  auto words = tally.empty() ? std::string{} : tally.text(*call.rules);
  if (!words.empty())
    context.out.debug(
        component,
        [&] { return "found in the call " + message_title(call.request.id) + ": " + words; },
        call.request.trace.trace);
  auto span = std::exchange(call.ended_span, std::nullopt);
  if (!span && !call.has_span && !words.empty() && call.request.trace.sampled()) {
    span = begin_span(span_names::safety, {}, call.request.trace, context.next_span(), call.began);
    if (why.code != ec::none)
      set_failed(*span, why);
    set_end(*span, context.time());
  }
  if (!span)
    return;
  if (!words.empty())
    set(*span, attr::safety, words);
  if (call.request.sender.what == address::kind::session)
    context.out.spans.push_back(std::move(*span)); // a client has no spans of its node
  else
    tell_span(context, call, std::move(*span));
}

/// The last one waits for what is found in the answer.
void safe_models::span_came(step_context& context, safe_call& call, SpanData span) {
  call.has_span = true;
  if (call.ended_span)
    tell_span(context, call, *std::exchange(call.ended_span, std::nullopt));
  if (span.end_ns() != 0)
    call.ended_span = std::move(span);
  else
    tell_span(context, call, std::move(span));
}

void safe_models::tell_span(step_context& context, const safe_call& call, SpanData span) const {
  CallSpan told;
  *told.mutable_span() = std::move(span);
  context.out.send(reply_to(call.request, std::move(told), message_kind::piece));
}

/// How far its asker is with the pieces. The sender has sent others.
void safe_models::taken(step_context& context, calls::iterator found, envelope message) {
  auto& [sequence, call] = *found;
  auto* told = message.body.as<PiecesTaken>();
  if (!told || told->gone()) {
    message.id = {own_, sequence};
    return pass_on(context, std::move(message));
  }
  call.relayed.taken({told->pieces(), told->bytes()});
  tell_taken(context, sequence, call, told->attempt());
}

void safe_models::tell_taken(step_context& context, std::uint64_t sequence, safe_call& call,
                             std::uint32_t attempt) {
  auto now = call.relayed.to_tell();
  call.relayed.told(now);
  PiecesTaken told;
  told.set_attempt(attempt);
  told.set_pieces(now.pieces);
  told.set_bytes(now.bytes);
  auto message = make_envelope(message_kind::acknowledge, call.request.target, std::move(told));
  message.id = {own_, sequence};
  message.sender = call.request.sender;
  pass_on(context, std::move(message));
}

safe_call safe_models::forget(calls::iterator found) {
  auto call = std::move(found->second);
  auto [first, last] = numbers_.equal_range(call.request.id);
  numbers_.erase(
      std::find_if(first, last, [&](const auto& one) { return one.second == found->first; }));
  calls_.erase(found);
  return call;
}

safe_models::calls::iterator safe_models::find(const envelope& other) {
  auto [first, last] = numbers_.equal_range(other.id);
  for (auto at = first; at != last; ++at)
    if (auto found = calls_.find(at->second); found->second.is_of(other))
      return found;
  return calls_.end();
}

bool safe_models::invariants() const { return numbers_.size() == calls_.size(); }

} // namespace troupe
