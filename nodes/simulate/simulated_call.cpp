#include "nodes/simulate/simulated_call.hpp"

#include "config/base/hex.hpp"
#include "config/base/split_mix.hpp"
#include "nodes/simulate/anthropic_form.hpp"
#include "nodes/simulate/openai_form.hpp"
#include "nodes/simulate/refusal.hpp"

/// A call up to its answer; what is delivered piece by piece is in simulated_stream.cpp.
namespace troupe {

namespace {

constexpr std::string_view json_media_type = "application/json";
constexpr std::string_view place = "@huge@"; ///< stands where a huge text will

} // namespace

simulated_call::simulated_call(const simulation& shared, parts given, server_call call)
    : shared_(shared), given_(std::move(given)), call_(std::move(call)) {}

double simulated_call::draw() {
  split_mix random{split_mix{shared_.seed, given_.number}.next(), ++drawn_};
  return random.share();
}

/// Until the answer begins. One that comes at once waits for all its tokens.
std::chrono::nanoseconds simulated_call::wait() {
  std::chrono::nanoseconds time{};
  if (!given_.how.first.is_none())
    time = given_.how.first.at(draw());
  if (!given_.request.stream && !given_.how.between.is_none()
      && given_.how.fault != simulated_fault::slow_drip)
    for (std::uint64_t i = 0; i < answer_.output_tokens; ++i)
      time += given_.how.between.at(draw());
  return time;
}

void simulated_call::start() {
  if (given_.request.api != provider_api::embeddings)
    answer_ = answer_of(given_.request, given_.how, shared_.seed);
  else
    answer_.input_tokens = given_.request.input_tokens;
  if (!given_.how.cached_share)
    shared_.cache.look_up(given_.request, given_.owner, std::chrono::steady_clock::now())
        .tell(answer_);
  if (given_.how.fault == simulated_fault::hang) {
    call_.when_gone([self = shared_from_this()] { self->gone(); });
    return;
  }
  auto time = wait();
  if (time.count() <= 0)
    return deliver();
  call_.when_gone([self = shared_from_this()] { self->gone(); });
  call_.after(time, [self = shared_from_this()] { self->deliver(); });
}

http_answer simulated_call::head(std::string_view type) const {
  http_answer made;
  made.content_type = type;
  made.headers.emplace_back(is_anthropic(given_.request.api) ? "request-id" : "x-request-id",
                            "req_" + given_.label.id);
  made.headers.insert(made.headers.end(), given_.limits_told.begin(), given_.limits_told.end());
  return made;
}

std::string simulated_call::error_body(const request_error& what) const {
  return is_anthropic(given_.request.api) ? anthropic_form::error(what, given_.label)
                                          : openai_form::error(what);
}

bool simulated_call::refuse() {
  auto found = refusal_for(given_.how.fault);
  if (!found)
    return false;
  auto refused = head(json_media_type);
  refused.status = found->status;
  refused.body = error_body(found->error(is_anthropic(given_.request.api)));
  if (found->says_when()) {
    auto time = given_.how.retry_after.count();
    refused.headers.emplace_back("retry-after", std::to_string((time + 999) / 1'000));
    refused.headers.emplace_back("retry-after-ms", std::to_string(time));
  }
  bill(to_string(found->fault), 0);
  call_.answer(std::move(refused));
  return true;
}

std::string simulated_call::body() const {
  switch (given_.request.api) {
    case provider_api::chat:
      return openai_form::whole(given_.request, answer_, given_.label);
    case provider_api::embeddings:
      return openai_form::embeddings(given_.request, shared_.seed);
    case provider_api::messages:
      return anthropic_form::whole(given_.request, answer_, given_.label);
    case provider_api::count:
      return anthropic_form::count(given_.request);
  }
  return {};
}

void simulated_call::deliver() {
  if (refuse())
    return;
  shared_.cache.keep(given_.request, given_.owner, std::chrono::steady_clock::now());
  switch (given_.how.fault) {
    case simulated_fault::reset:
      bill("lost", answer_.output_tokens); // the model has worked; its answer got lost
      return call_.cut_off(server_call::cut::reset);
    case simulated_fault::wrong_type: {
      auto page = head("text/html; charset=utf-8");
      page.body = "<html><head><title>Welcome</title></head><body>It works.</body></html>\n";
      bill("garbled", answer_.output_tokens);
      return call_.answer(std::move(page));
    }
    case simulated_fault::slow_drip:
      return drip();
    case simulated_fault::huge_answer:
      return deliver_huge();
    default:
      break;
  }
  if (given_.request.stream)
    return begin_stream();
  deliver_whole();
}

void simulated_call::deliver_whole() {
  auto whole = head(json_media_type);
  whole.body = body();
  auto half = whole.body.size() / 2;
  switch (given_.how.fault) {
    case simulated_fault::cut_body:
    case simulated_fault::reset_stream: {
      auto text = std::exchange(whole.body, whole.body.substr(0, half));
      bill("cut", answer_.output_tokens);
      call_.begin(std::move(whole), text.size());
      return call_.cut_off(given_.how.fault == simulated_fault::cut_body ? server_call::cut::close
                                                                         : server_call::cut::reset);
    }
    case simulated_fault::malformed_json:
    case simulated_fault::malformed_sse:
      whole.body.resize(half);
      bill("garbled", answer_.output_tokens);
      return call_.answer(std::move(whole));
    case simulated_fault::stream_error: // of an answer that is no stream, it is the whole
      given_.how.fault = simulated_fault::server_error;
      refuse();
      return;
    default:
      break;
  }
  if (bill("answered", answer_.output_tokens))
    return call_.answer(std::move(whole));
  whole.status = 500;
  whole.body = error_body({500, "server_error", "The ledger cannot be written.", {}, {}});
  call_.answer(std::move(whole));
}

void simulated_call::deliver_huge() {
  if (!answer_.choices.empty()) {
    answer_.choices.front().text = place;
    answer_.choices.front().tools.clear();
  }
  text_ = body();
  text_at_ = text_.find(place);
  if (text_at_ == text_.npos)
    text_at_ = text_.size() / 2;
  call_.when_gone([self = shared_from_this()] { self->gone(); });
  auto begun = head(json_media_type);
  begun.body = text_.substr(0, text_at_);
  call_.begin(std::move(begun));
  fill();
}

/// Between what stands before and behind the place.
void simulated_call::fill() {
  thread_local const std::string page(limits::simulate_write_bytes, 'x');
  while (filled_ < given_.how.bytes) {
    auto size = std::min<std::uint64_t>(page.size(), given_.how.bytes - filled_);
    filled_ += size;
    produced_ = filled_ / 4;
    if (!call_.write(std::string_view{page}.substr(0, size)))
      return call_.when_room([self = shared_from_this()] { self->fill(); });
  }
  bill("answered", produced_);
  auto rest = std::string_view{text_}.substr(text_at_);
  rest.remove_prefix(rest.starts_with(place) ? place.size() : 0);
  call_.write(rest);
  call_.finish();
}

/// The client has gone, or the server ends.
void simulated_call::gone() {
  bool whole = !given_.request.stream && steps_.empty() && text_.empty()
               && given_.how.fault != simulated_fault::hang;
  bill("cancelled", whole ? answer_.output_tokens : produced_);
}

bool simulated_call::bill(std::string_view outcome, std::uint64_t output_tokens) {
  if (shared_.kept == nullptr || billed_ || given_.request.api == provider_api::count)
    return true;
  billed_ = true;
  bool refused = false;
  for (const auto& one : refusals)
    refused = refused || to_string(one.fault) == outcome;
  billed_call entry;
  auto hash = to_hex(given_.request.hash_hi, given_.request.hash_lo);
  entry.id = given_.label.id;
  entry.api = to_string(given_.request.api);
  entry.model = given_.request.model;
  entry.key_hash = given_.key_hash;
  entry.request_hash = hash;
  entry.outcome = outcome;
  if (!refused) {
    entry.input_tokens = answer_.input_tokens;
    entry.cached_tokens = answer_.cached_tokens;
    entry.cache_written_tokens = answer_.cache_written_tokens;
    entry.output_tokens = output_tokens;
    entry.billed_nano_usd =
        shared_.prices.nano_dollars(entry.model, {entry.input_tokens, entry.cached_tokens,
                                                  entry.output_tokens, entry.cache_written_tokens});
  }
  if (shared_.kept->append(entry))
    return true;
  shared_.log.write(
      {log_level::error, "simulate", "the ledger cannot be written: free some room", {}});
  return false;
}

} // namespace troupe
