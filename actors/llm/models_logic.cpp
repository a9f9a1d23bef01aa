#include "actors/llm/models_logic.hpp"

#include "actors/llm/caller_label.hpp"
#include "actors/llm/refuse_call.hpp"
#include "actors/message_title.hpp"
#include "actors/unread.hpp"
#include "config/base/count_of.hpp"
#include "config/base/invariants.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr std::string_view component = "models";

/// Why that many texts cannot be embedded at once.
std::optional<failure> too_many(const EmbeddingRequest& asked) {
  std::size_t bytes = 0;
  for (const auto& input : asked.inputs())
    bytes += input.size();
  if (asked.inputs().empty())
    return failure{ec::invalid_argument, "there is no text to embed"};
  if (static_cast<std::size_t>(asked.inputs_size()) > limits::embedding_inputs_max
      || bytes > limits::embedding_text_bytes_max)
    return failure{ec::too_large,
                   "at most " + std::to_string(limits::embedding_inputs_max) + " texts with "
                       + std::to_string(limits::embedding_text_bytes_max / limits::mib)
                       + " MiB together are embedded at once, not "
                       + count_of(static_cast<std::uint64_t>(asked.inputs_size()), "text")
                       + " with " + count_of(bytes, "byte") + ": ask for some of them first"};
  return std::nullopt;
}

/// That its provider has counted.
std::uint64_t tokens_of(envelope& answer) {
  if (const auto* chat = answer.body.as<ModelAnswer>())
    return chat->input_tokens() + chat->output_tokens();
  const auto* vectors = answer.body.as<EmbeddingAnswer>();
  return vectors ? vectors->input_tokens() : 0;
}

} // namespace

models_logic::models_logic(options chosen, metrics& counted)
    : options_(std::move(chosen)), counted_(counted) {
  if (!options_.http)
    options_.catalog = {};
  for (const auto& one : options_.catalog.providers)
    if (one.kind != provider_config::api::offline)
      providers_.emplace(
          one.name,
          asked_provider{&one, options_.speak(one.kind), {one.calls_max, options_.waiting_max}});
  for (auto& [title, one] : providers_) {
    one.number = static_cast<std::uint32_t>(numbered_.size());
    numbered_.push_back(&one);
  }
}

models_logic::~models_logic() = default;

void models_logic::start(step_context&, const address& self) { self_ = self; }

void models_logic::step(step_context& context, event input) {
  if (auto* fired = std::get_if<timer_fired>(&input))
    return out_of_time(context, fired->timer);
  auto* message = std::get_if<envelope>(&input);
  if (!message)
    return;
  if (message->kind == message_kind::cancel)
    return give_up(context, std::move(*message));
  if (message->kind == message_kind::request) {
    if (message->body.as<ModelRequest>())
      return take_chat(context, std::move(*message));
    if (message->body.as<EmbeddingRequest>())
      return take_texts(context, std::move(*message));
    if (message->body.as<ProvidersQuery>())
      return tell_health(context, *message);
  }
  if (message->kind == message_kind::acknowledge)
    if (auto* told = message->body.as<PiecesTaken>())
      return taken(context, *message, *told);
  if (message->kind == message_kind::event)
    if (auto* happened = message->body.as<HttpEvent>())
      return came(context, *happened);
  not_taken(context, "service models", *message);
}

void models_logic::stop(step_context& context) {
  while (!calls_.empty())
    end(context, calls_.begin(),
        {ec::unavailable, "the models of this node are stopping: try again"});
  check_invariants(*this);
}

// -- a call comes ---------------------------------------------------------------------------------

void models_logic::take_chat(step_context& context, envelope request) {
  auto* asked = request.body.as<ModelRequest>();
  auto found = resolve_model(options_.catalog, asked->model());
  if (!found)
    return refuse_call(context, request, {ec::unknown_model, found.error()});
  if (!found->provider) {
    asked->set_model(found->model);
    return pass_on(context, std::move(request));
  }
  take(context, std::move(request), std::move(*found));
}

void models_logic::take_texts(step_context& context, envelope request) {
  auto* asked = request.body.as<EmbeddingRequest>();
  auto found = resolve_model(options_.catalog, asked->model());
  if (!found)
    return refuse_call(context, request, {ec::unknown_model, found.error()});
  if (!found->provider)
    return refuse_call(context, request,
                       {ec::invalid_argument, "the offline model has no embeddings: name a model "
                                              "of a provider, as PROVIDER/MODEL"});
  if (auto why = too_many(*asked))
    return refuse_call(context, request, *why);
  take(context, std::move(request), std::move(*found));
}

void models_logic::take(step_context& context, envelope request, resolved_model found) {
  if (auto* known = repeated(request))
    return known->repeated(request.attempt);
  auto& of = providers_.find(found.provider->name)->second;
  if (!make_room(context, of, request))
    return refuse_call(context, request,
                       {ec::overloaded, "provider " + of.as->name + " has "
                                            + count_of(of.queue.waiting(), "call")
                                            + " waiting, its limit: try again later"});
  do
    last_ = (last_ + 1) & call_numbers;
  while (last_ == 0 || calls_.contains(last_));
  carried_call fresh{std::move(request), of, std::move(found.model), *options_.http, context.now};
  if (fresh.deadline() != instant::max())
    context.out.arm(last_, fresh.deadline() - context.now);
  of.queue.wait(fresh.caller(), last_);
  numbers_.emplace(fresh.request().id, last_);
  calls_.emplace(last_, std::move(fresh));
  begin_next(context, of);
  check_invariants(*this);
}

/// Whoever has most calls waiting gives a place to who has fewer.
bool models_logic::make_room(step_context& context, asked_provider& of, const envelope& request) {
  if (of.queue.has_room())
    return true;
  auto turned_away = of.queue.most_patient({request.tenant.text(), caller_label(request.sender)});
  if (!turned_away)
    return false;
  end(context, calls_.find(*turned_away),
      {ec::overloaded, "provider " + of.as->name
                           + " has too many calls waiting, and this was the "
                             "last of those who have most of them: try again later"});
  return true;
}

/// The offline model answers the asker itself.
void models_logic::pass_on(step_context& context, envelope message) const {
  message.target = address::of(service::offline, self_.node);
  context.out.send(std::move(message));
}

void models_logic::tell_health(step_context& context, const envelope& request) const {
  ProvidersListed told;
  for (const auto& [title, one] : providers_) {
    auto& to = *told.add_providers();
    to.set_provider(title);
    to.set_calls_max(one.as->calls_max);
    to.set_running(static_cast<std::uint32_t>(one.queue.running()));
    to.set_waiting(static_cast<std::uint32_t>(one.queue.waiting()));
    one.health.tell(to);
    for (const auto& key : options_.http->refused_keys(title)) {
      auto& out = *to.add_keys_taken_out();
      out.set_source(key.place);
      out.set_status(key.status);
      out.set_since_ns(key.since_ns);
    }
  }
  context.out.send(reply_to(request, std::move(told)));
}

/// The call that `other` is about, by its number and its sender.
models_logic::calls::iterator models_logic::find(const envelope& other) {
  auto [first, last] = numbers_.equal_range(other.id);
  for (auto at = first; at != last; ++at)
    if (auto found = calls_.find(at->second); found->second.is_of(other))
      return found;
  return calls_.end();
}

/// A call that `request` only repeats: it is made once.
carried_call* models_logic::repeated(const envelope& request) {
  auto found = request.attempt > 1 ? find(request) : calls_.end();
  return found == calls_.end() ? nullptr : &found->second;
}

void models_logic::give_up(step_context& context, envelope order) {
  auto found = find(order);
  if (found == calls_.end())
    return pass_on(context, std::move(order)); // perhaps the offline model has it
  counted_.call_abandoned("cancelled");
  end_and_go_on(context, found, {ec::cancelled, "the call was cancelled"});
}

void models_logic::out_of_time(step_context& context, std::uint32_t timer) {
  if ((timer & pace_timer) != 0)
    return begin_next(context, *numbered_.at(timer & call_numbers));
  auto one = calls_.find(timer);
  if (one == calls_.end())
    return;
  const auto& late = one->second;
  counted_.call_abandoned("timed_out");
  const auto& whom = late.provider().as->name;
  auto doing = late.now() == carried_call::phase::waiting
                   ? "waited for its turn at provider " + whom + " for all of its time"
                         + (takes_calls_at(whom, context.now) > context.now
                                ? ": the provider takes no more for now"
                                : "")
                   : "was not answered by provider " + whom + " in its time";
  end_and_go_on(context, one,
                {ec::timed_out, "the call of the model " + late.model() + " " + doing});
}

// -- a call is made -------------------------------------------------------------------------------

void models_logic::begin_next(step_context& context, asked_provider& of) {
  for (auto turn = of.queue.first(); turn && !must_wait(context, of, *turn);
       turn = of.queue.first()) {
    of.queue.next();
    auto one = calls_.find(*turn);
    if (auto why = begin(context, *turn, one->second))
      end(context, one, *why);
  }
  count_load(of);
  count_limits(of, context.now);
}

/// Nothing, or why this provider cannot be asked that.
std::optional<failure> models_logic::begin(step_context& context, std::uint64_t number,
                                           carried_call& one) const {
  auto wanted = one.begin(context, number);
  if (!wanted)
    return wanted.error();
  context.out.debug(
      component,
      [&] {
        return "asks provider " + wanted->provider + " for the call "
               + message_title(one.request().id) + " of " + to_string(one.request().sender) + ", "
               + count_of(wanted->body.size(), "byte");
      },
      one.request().trace.trace);
  one.provider().pace.began(context.now, one.expected_tokens());
  one.was_paced(context.now);
  options_.http->start(std::move(*wanted));
  return std::nullopt;
}

// -- its answer comes -----------------------------------------------------------------------------

void models_logic::came(step_context& context, const HttpEvent& happened) {
  auto found = calls_.find(happened.call());
  if (found == calls_.end() || found->second.now() != carried_call::phase::asked)
    return; // it was given up meanwhile
  auto& one = found->second;
  note_pace(context, one, happened);
  if (auto why = one.read(context, happened, counted_))
    return end_and_go_on(context, found, *why);
  if (!happened.ended()) {
    if (one.has_done())
      options_.http->taken(happened.call());
    return;
  }
  auto answer = one.finish(context, happened, counted_, *options_.prices);
  if (!answer)
    return end_and_go_on(context, found, answer.error());
  succeed(context, found, std::move(*answer));
}

/// Its asker is so far with the pieces. Of a call that is not here, the offline model's, all have
/// been sent.
void models_logic::taken(step_context& context, const envelope& by, const PiecesTaken& told) {
  auto found = find(by);
  if (found == calls_.end())
    return;
  auto& one = found->second;
  bool was_held_up = one.is_held_up();
  one.taken(context, {told.pieces(), told.bytes()});
  if (was_held_up && one.has_done())
    options_.http->taken(found->first);
}

void models_logic::succeed(step_context& context, calls::iterator found, envelope answer) {
  auto& one = found->second;
  auto& of = one.provider();
  of.health.answered(context.time());
  of.pace.ended(context.now, one.expected_tokens(), tokens_of(answer));
  context.out.debug(
      component,
      [&] {
        return "answers the call " + message_title(one.request().id) + " of "
               + to_string(one.request().sender);
      },
      one.request().trace.trace);
  one.end_span(context, {});
  context.out.send(std::move(answer));
  forget(context, found);
  begin_next(context, of);
  check_invariants(*this);
}

void models_logic::end_and_go_on(step_context& context, calls::iterator found, const failure& why) {
  auto& of = found->second.provider();
  end(context, found, why);
  begin_next(context, of);
  check_invariants(*this);
}

/// It ends without an answer. What a provider has said goes nowhere else than from here, so no key
/// gets further.
void models_logic::end(step_context& context, calls::iterator found, failure why) {
  auto& one = found->second;
  why.message = options_.http->without_keys(one.provider().as->name, std::move(why.message));
  if (one.was_sent()) {
    options_.http->cancel(found->first); // nothing happens if it has ended
    if (why.code != ec::cancelled) {
      one.provider().health.failed(context.time(), why);
      counted_.model_failed(one.label(), to_string(why.code), context.time() - one.arrived());
    }
  }
  one.end_span(context, why);
  if (options_.tell_end)
    options_.tell_end(one);
  refuse_call(context, one.request(), why);
  forget(context, found);
}

/// Its place is free.
void models_logic::forget(step_context& context, calls::iterator found) {
  auto& one = found->second;
  auto& of = one.provider();
  if (one.deadline() != instant::max())
    context.out.arm(static_cast<std::uint32_t>(found->first), std::chrono::nanoseconds{0});
  if (one.paced_at())
    of.pace.failed(one.expected_tokens());
  if (one.now() == carried_call::phase::asked)
    of.queue.ended();
  else
    of.queue.forget(one.caller(), found->first);
  auto [first, last] = numbers_.equal_range(one.request().id);
  numbers_.erase(
      std::find_if(first, last, [&](const auto& entry) { return entry.second == found->first; }));
  calls_.erase(found);
}

void models_logic::count_load(const asked_provider& of) const {
  counted_.provider_load(of.as->name, of.queue.running(), of.queue.waiting());
}

bool models_logic::invariants() const {
  std::size_t running = 0, waiting = 0;
  for (const auto& [title, one] : providers_) {
    if (!one.queue.invariants() || !one.pace.invariants())
      return false;
    running += one.queue.running();
    waiting += one.queue.waiting();
  }
  auto is_waiting = [](const auto& one) {
    return one.second.now() == carried_call::phase::waiting;
  };
  return running + waiting == calls_.size() && numbers_.size() == calls_.size()
         && waiting
                == static_cast<std::size_t>(
                    std::count_if(calls_.begin(), calls_.end(), is_waiting));
}

} // namespace troupe
