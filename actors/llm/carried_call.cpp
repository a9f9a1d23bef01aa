#include "actors/llm/carried_call.hpp"

#include "actors/llm/caller_label.hpp"
#include "config/limits/choosing.hpp"
#include "messages/agents.pb.h"
#include "telemetry/http_target.hpp"
#include "telemetry/trace_words.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

/// The words of providers for calls that they serve when they have time, at the price of a batch.
bool is_batch(std::string_view service_tier) {
  return service_tier == "batch" || service_tier == "flex";
}

/// Host and port, for the span.
void set_server(SpanData& span, const std::string& base_url) {
  auto leads_to = parse_http_target(base_url);
  if (!leads_to)
    return;
  set(span, attr::server_address, leads_to->host);
  set(span, attr::server_port, std::int64_t{leads_to->port});
}

std::uint64_t tokens_in(std::size_t bytes) {
  constexpr std::size_t bytes_of_token = 4; // as providers say of English
  return (bytes + bytes_of_token - 1) / bytes_of_token;
}

std::uint64_t tokens_expected(const ModelRequest* chat, const EmbeddingRequest* texts) {
  std::size_t bytes = 0;
  if (!chat) {
    for (const auto& text : texts->inputs())
      bytes += text.size();
    return tokens_in(bytes);
  }
  for (const auto& message : chat->messages()) {
    bytes += message.content().size();
    for (const auto& part : message.parts())
      bytes += part.text().size() + part.tool_result().text().size();
  }
  for (const auto& tool : chat->tools())
    bytes += tool.description().size() + tool.parameters().size();
  auto output = chat->max_output_tokens();
  return tokens_in(bytes) + (output != 0 ? output : limits::assumed_output_tokens);
}

} // namespace

carried_call::carried_call(envelope request, asked_provider& of, std::string model,
                           const key_hider& hider, instant now)
    : request_(std::move(request)), of_(&of), model_(std::move(model)), hider_(&hider),
      group_(caller_label(request_.sender)), asked_chat_(request_.body.as<ModelRequest>()),
      arrived_(now),
      deadline_(request_.remaining.count() != 0 ? now + request_.remaining : instant::max()),
      expected_tokens_(tokens_expected(asked_chat_, request_.body.as<EmbeddingRequest>())) {}

metrics::model_call carried_call::label() const noexcept {
  return {model_, group_, of_->as->name, embeds(), to_string(of_->as->kind)};
}

void carried_call::repeated(std::uint16_t attempt) {
  request_.attempt = std::max(request_.attempt, attempt);
}

body_reader* carried_call::reader() const noexcept {
  return embeds() ? static_cast<body_reader*>(vectors_.get()) : answer_.get();
}

model_target carried_call::target() const {
  return {model_, of_->as->name, of_->as->base_url, hider_};
}

// -- the request ----------------------------------------------------------------------------------

result<http_port::outgoing> carried_call::begin(step_context& context, std::uint64_t number) {
  now_ = phase::asked;
  auto* texts = request_.body.as<EmbeddingRequest>();
  auto written =
      embeds() ? of_->speaks->embed(*texts, target()) : of_->speaks->ask(chat(), target());
  if (!written)
    return unexpected{std::move(written).error()};
  if (embeds())
    vectors_ = std::make_unique<vectors_reader>(*of_->speaks, *texts, target());
  else
    answer_ = of_->speaks->reader(chat(), target());
  http_port::outgoing wanted;
  wanted.id = number;
  wanted.provider = of_->as->name;
  wanted.method = std::move(written->method);
  wanted.path = std::move(written->path);
  wanted.headers = std::move(written->headers);
  wanted.body = std::move(written->body);
  wanted.streams = !embeds() && chat().stream();
  auto began = context.time();
  began_ns_ = began.time_since_epoch().count();
  last_piece_ = began;
  if (request_.trace.sampled()) {
    span_ = begin_span(span_names::http, {}, request_.trace, context.next_span(), began);
    set(*span_, attr::http_method, wanted.method);
    set(*span_, attr::url, of_->as->base_url + wanted.path);
    set_server(*span_, of_->as->base_url);
    set(*span_, attr::provider, to_string(of_->as->kind));
    set(*span_, attr::configured_provider, of_->as->name);
    if (!is_asked_by_client())
      tell_span(context, *span_);
  }
  return wanted;
}

// -- its answer -----------------------------------------------------------------------------------

std::optional<failure> carried_call::read(step_context& context, const HttpEvent& happened,
                                          metrics& counted) {
  if (happened.status() != 0 && !std::exchange(has_head_, true)) {
    status_ = happened.status();
    retry_after_ = happened.retry_after();
    reader()->head({happened.status(), happened.content_type(), happened.retry_after()});
    if (span_)
      set(*span_, attr::http_status, happened.status());
  }
  if (happened.body().empty())
    return std::nullopt;
  std::vector<Piece> pieces;
  auto fed = reader()->feed(happened.body(), pieces);
  send_pieces(context, std::move(pieces), counted);
  if (!fed)
    return fed.error();
  return std::nullopt;
}

result<envelope> carried_call::finish(step_context& context, const HttpEvent& happened,
                                      metrics& counted, const std::vector<model_price>& prices) {
  if (happened.has_why() && !reader()->is_whole()) {
    auto why = from_proto(happened.why());
    return unexpected{has_head_ ? reader()->broken_off(why) : why}; // nothing has begun to break
  }
  if (embeds()) {
    auto answer = vectors_->finish();
    if (!answer)
      return unexpected{std::move(answer).error()};
    auto used = tokens_used{.input = answer->input_tokens()};
    return settle(context, std::move(*answer), used, counted, prices);
  }
  std::vector<Piece> pieces;
  auto answer = answer_->finish(pieces);
  send_pieces(context, std::move(pieces), counted);
  if (!answer)
    return unexpected{std::move(answer).error()};
  send_rest(context, counted);
  for (auto& piece : std::exchange(kept_, {}))
    send_on(context, std::move(piece));
  auto used = tokens_used{.input = answer->input_tokens(),
                          .output = answer->output_tokens(),
                          .cached = answer->cached_tokens(),
                          .cache_written = answer->cache_written_tokens(),
                          .reasoning = answer->reasoning_tokens(),
                          .batch = is_batch(answer->service_tier())};
  return settle(context, std::move(*answer), used, counted, prices);
}

void carried_call::send_pieces(step_context& context, std::vector<Piece> pieces, metrics& counted) {
  if (embeds() || !chat().stream())
    return;
  for (auto& piece : pieces)
    if (chat().unit() == UNIT_AS_IT_COMES || piece.text().empty())
      send(context, std::move(piece), counted);
    else
      send_units(context, piece, counted);
}

void carried_call::send_units(step_context& context, const Piece& piece, metrics& counted) {
  std::vector<std::string> whole;
  units_.try_emplace(piece.choice(), chat().unit()).first->second.give(piece.text(), whole);
  for (auto& unit : whole) {
    Piece made;
    made.set_choice(piece.choice());
    made.set_text(std::move(unit));
    send(context, std::move(made), counted);
  }
}

/// The answer is whole, so what is left of each choice is its last unit.
void carried_call::send_rest(step_context& context, metrics& counted) {
  for (auto& [choice, cutter] : units_) {
    Piece made;
    made.set_choice(choice);
    made.set_text(cutter.rest());
    if (!made.text().empty())
      send(context, std::move(made), counted);
  }
  units_.clear();
}

void carried_call::send(step_context& context, Piece piece, metrics& counted) {
  auto now = context.time();
  bool is_first = pieces_ == 0 && kept_.empty();
  counted.model_piece(label(), is_first, now - last_piece_);
  last_piece_ = now;
  if (takes_more())
    send_on(context, std::move(piece));
  else
    kept_.push_back(std::move(piece));
}

void carried_call::send_on(step_context& context, Piece piece) {
  piece.set_attempt(request_.attempt);
  piece.set_restarted(pieces_ == 0 && request_.attempt > 1);
  piece.set_index(pieces_++);
  window_.sent(bytes_of(piece));
  context.out.send(reply_to(request_, std::move(piece), message_kind::piece));
}

void carried_call::taken(step_context& context, const piece_count& told) {
  window_.taken(told);
  while (window_.is_open() && !kept_.empty()) {
    send_on(context, std::move(kept_.front()));
    kept_.pop_front();
  }
}

bool carried_call::has_done() noexcept {
  is_held_up_ = !takes_more();
  return !is_held_up_;
}

/// The provider's own price counts before that of the program's list, by whichever name is known
/// there: the one that was asked (a deployment), or the one that answered (a dated version).
nano_usd carried_call::cost_of(const std::string& answered_by, const tokens_used& used,
                               const std::vector<model_price>& prices) const {
  auto price = find_price(of_->as->prices, model_);
  if (!price)
    price = price_of(*of_->as, answered_by, prices);
  if (!price)
    price = price_of(*of_->as, model_, prices);
  return price ? price->cost_of(used) : 0;
}

template <class Answer>
envelope carried_call::settle(step_context& context, Answer answer, const tokens_used& used,
                              metrics& counted, const std::vector<model_price>& prices) const {
  answer.set_provider(of_->as->name);
  if (answer.model().empty())
    answer.set_model(model_);
  answer.set_began_ns(began_ns_);
  answer.set_cost_nano_usd(cost_of(answer.model(), used, prices));
  counted.model_called(label(), used.input, used.output, context.time() - arrived_,
                       answer.cost_nano_usd(), {used.cached, used.cache_written});
  return reply_to(request_, std::move(answer));
}

/// An agent records it with its own: if this node dies before the agent's span ends, both are
/// missing. Who has given up has ended it already, and a client has no spans of its node.
void carried_call::end_span(step_context& context, const failure& why) {
  if (!span_)
    return;
  if (why.code != ec::none)
    set_failed(*span_, why);
  if (is_asked_by_client()) {
    context.end(std::move(*span_));
  } else if (why.code != ec::cancelled) {
    set_end(*span_, context.time());
    tell_span(context, std::move(*span_));
  }
  span_.reset();
}

void carried_call::tell_span(step_context& context, SpanData span) const {
  CallSpan told;
  *told.mutable_span() = std::move(span);
  context.out.send(reply_to(request_, std::move(told), message_kind::piece));
}

} // namespace troupe
