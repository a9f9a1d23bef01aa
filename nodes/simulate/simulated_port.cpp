#include "nodes/simulate/simulated_port.hpp"

#include "config/base/hex.hpp"
#include "config/base/split_mix.hpp"
#include "config/limits/http.hpp"
#include "messages/http.pb.h"
#include "nodes/simulate/openai_form.hpp"
#include "nodes/simulate/refusal.hpp"
#include "nodes/simulate/stream_step.hpp"

#include <xxhash.h>

#include <charconv>
#include <chrono>
#include <deque>
#include <utility>

namespace troupe {

namespace {

/// What can go wrong without a socket.
bool is_possible(simulated_fault fault) {
  using enum simulated_fault;
  return fault == none || fault == hang || fault == reset || fault == reset_stream
         || fault == cut_body || refusal_for(fault) != nullptr;
}

bool read_number(std::string_view text, std::uint64_t& into) {
  auto read = std::from_chars(text.data(), text.data() + text.size(), into);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

/// What is wrong with one setting; empty: nothing.
std::string set_one(behaviour& how, std::uint64_t& seed, const std::string& key,
                    const std::string& value) {
  if (key == "seed")
    return read_number(value, seed) ? "" : "expected a whole number, found \"" + value + "\"";
  auto wrong = set_behaviour(how, key, value);
  if (wrong.empty() && !is_possible(how.fault))
    wrong = "only `troupe simulate` can do that: name it as a provider of kind openai";
  return wrong;
}

provider_api api_of(std::string_view path) {
  return path == "/embeddings" ? provider_api::embeddings : provider_api::chat;
}

} // namespace

/// What is still to be told of a call.
struct simulated_port::answer_in_parts {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string retry_after;
  std::deque<std::string> parts; ///< one at a time; the last one ends the call
  bool broken = false;           ///< the last part does not end the answer
  bool hangs = false;
  std::uint64_t tokens = 0; ///< that an answer at once waits for
  latency first, between;
  std::uint64_t seed = 0;
  bool on_its_way = false; ///< a part that was not taken yet
};

std::string simulated_port::mistake_in(const models_catalog& all) {
  for (const auto& provider : all.providers) {
    behaviour how;
    std::uint64_t seed = 0;
    for (const auto& [key, value] : provider.simulate)
      if (auto wrong = set_one(how, seed, key, value); !wrong.empty())
        return std::string{"provider "}
            .append(provider.name)
            .append(": simulate.")
            .append(key)
            .append(": ")
            .append(wrong);
  }
  return {};
}

simulated_port::simulated_port(const models_catalog& all, std::function<void(HttpEvent)> tell)
    : tell_(std::move(tell)) {
  for (const auto& provider : all.providers) {
    if (provider.kind != provider_config::api::simulated)
      continue;
    auto& made = providers_[provider.name];
    for (const auto& [key, value] : provider.simulate)
      set_one(made.how, made.seed, key, value); // `mistake_in` has found what is wrong
  }
}

simulated_port::~simulated_port() = default;

void simulated_port::start(outgoing wanted) {
  auto id = wanted.id;
  auto made = answer_to(std::move(wanted), ++number_); // not locked: it takes longest
  std::chrono::nanoseconds wait{};
  {
    std::lock_guard guard{mutex_};
    if (!made->first.is_none())
      wait = draw(made->first, made->seed);
    if (!made->between.is_none())
      for (std::uint64_t i = 0; i < made->tokens; ++i)
        wait += draw(made->between, made->seed);
    bool hangs = made->hangs;
    calls_[id] = std::move(made);
    if (hangs)
      return;
  }
  if (wait.count() > 0)
    later_.after(wait, [this, id] { deliver(id); });
  else
    deliver(id);
}

void simulated_port::cancel(std::uint64_t id) {
  std::lock_guard guard{mutex_};
  calls_.erase(id);
}

void simulated_port::taken(std::uint64_t id) {
  std::chrono::nanoseconds wait{};
  {
    std::lock_guard guard{mutex_};
    auto found = calls_.find(id);
    if (found == calls_.end() || !std::exchange(found->second->on_its_way, false))
      return;
    if (!found->second->between.is_none())
      wait = draw(found->second->between, found->second->seed);
  }
  if (wait.count() > 0)
    later_.after(wait, [this, id] { deliver(id); });
  else
    deliver(id);
}

void simulated_port::deliver(std::uint64_t id) {
  HttpEvent told;
  {
    std::lock_guard guard{mutex_};
    auto found = calls_.find(id);
    if (found == calls_.end())
      return; // it was given up meanwhile
    auto& call = *found->second;
    told.set_call(id);
    told.set_status(call.status);
    told.set_content_type(call.content_type);
    told.set_retry_after(call.retry_after);
    if (!call.parts.empty()) {
      told.set_body(std::move(call.parts.front()));
      call.parts.pop_front();
    }
    call.on_its_way = true;
    if (call.parts.empty()) {
      told.set_ended(true);
      if (call.broken) {
        told.mutable_why()->set_code(static_cast<std::uint32_t>(ec::provider_failed));
        told.mutable_why()->set_message("the simulated connection broke");
      }
      calls_.erase(found);
    }
  }
  tell_(std::move(told));
}

std::chrono::nanoseconds simulated_port::draw(const latency& of, std::uint64_t seed) {
  split_mix random{seed, ++drawn_};
  return of.at(random.share());
}

void simulated_port::write_chat(answer_in_parts& into, const provider_request& asked,
                                const simulated_settings& as, std::uint64_t number,
                                std::uint64_t owner) {
  const auto& how = as.how;
  answer_label label{to_hex(as.seed, number), 0};
  auto answer = answer_of(asked, how, as.seed);
  auto now = std::chrono::steady_clock::now();
  if (!how.cached_share)
    cache_.look_up(asked, owner, now).tell(answer);
  cache_.keep(asked, owner, now);
  bool cuts = how.fault == simulated_fault::reset_stream || how.fault == simulated_fault::cut_body;
  if (!asked.stream) {
    auto whole = openai_form::whole(asked, answer, label);
    if (cuts)
      whole.resize(whole.size() / 2);
    into.broken = cuts;
    into.tokens = answer.output_tokens;
    into.parts.push_back(std::move(whole));
    return;
  }
  into.content_type = "text/event-stream; charset=utf-8";
  std::string part;
  std::uint64_t pieces = 0;
  for (const auto& step : steps_of(answer)) {
    into.broken = cuts && (pieces >= how.after || step.what == stream_step::event::end);
    if (into.broken)
      break;
    openai_form::append_event(part, step, asked, answer, label);
    pieces += step.tokens > 0 ? 1 : 0;
    bool pauses = step.tokens > 0 && !how.between.is_none();
    if (pauses || part.size() >= limits::simulate_write_bytes)
      into.parts.push_back(std::exchange(part, {}));
  }
  if (!part.empty() || into.parts.empty())
    into.parts.push_back(std::move(part));
}

std::unique_ptr<simulated_port::answer_in_parts> simulated_port::answer_to(outgoing wanted,
                                                                           std::uint64_t number) {
  auto made = std::make_unique<answer_in_parts>();
  const auto& as = providers_.find(wanted.provider)->second;
  const auto& [how, seed] = as;
  made->first = how.first;
  made->between = how.between;
  made->seed = seed;
  made->hangs = how.fault == simulated_fault::hang;
  auto refuse = [&](const request_error& why) {
    made->status = why.status;
    made->parts.push_back(openai_form::error(why));
  };
  auto bytes = wanted.body.size();
  wanted.body.resize(bytes + limits::http_body_padding);
  constexpr bool strict = true;
  auto request = read_provider_request(api_of(wanted.path),
                                       std::string_view{wanted.body}.substr(0, bytes), !strict);
  if (!request) {
    refuse(request.error());
  } else if (auto refused = refusal_for(how.fault)) {
    refuse(refused->error(false));
    if (refused->says_when())
      made->retry_after = std::to_string((how.retry_after.count() + 999) / 1'000);
  } else if (how.fault == simulated_fault::reset) {
    made->status = 0;
    made->broken = true;
  } else if (request->api == provider_api::embeddings) {
    made->parts.push_back(openai_form::embeddings(*request, seed));
  } else {
    write_chat(*made, *request, as, number,
               XXH3_64bits(wanted.provider.data(), wanted.provider.size()));
  }
  return made;
}

} // namespace troupe
