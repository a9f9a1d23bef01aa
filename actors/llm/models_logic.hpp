#pragma once

#include "actors/llm/carried_call.hpp"
#include "actors/llm/dialect.hpp"
#include "actors/llm/http_port.hpp"
#include "actors/logic.hpp"
#include "config/prices.hpp"
#include "config/providers.hpp"
#include "messages/http.pb.h"
#include "messages/message_id_hash.hpp"
#include "messages/models.pb.h"
#include "telemetry/metrics.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe {

/// service::models: finds the provider of a model (actors/llm/provider.hpp), and carries the call
/// there and the answer back.
///
/// A call of the offline model is passed on to `service::offline`, which answers the asker itself.
/// Every other call waits until its provider has room (provider_queue.hpp) and its limits let it go
/// (pacing/provider_pace.hpp), is written as the provider's API wants it (dialect.hpp), goes out
/// through the node's HTTP client (http_port.hpp), and its answer is read as it comes
/// (carried_call.hpp): pieces are passed on at once, as far as their asker takes them
/// (PiecesTaken); beyond that, the transfer waits. There is no second try here. Embeddings go the
/// same way.
///
/// Whoever gives a call up, or has no time left, frees its place at once: a call that waits is
/// forgotten, and a transfer is closed.
///
/// ProvidersQuery -> ProvidersListed: how the providers are, for people.
class models_logic final : public logic {
public:
  struct options {
    models_catalog catalog;
    http_port* http = nullptr; ///< none: there is only the offline model
    std::function<std::unique_ptr<dialect>(provider_config::api)> speak = make_dialect;
    std::size_t waiting_max = limits::provider_calls_waiting_max; ///< of one provider
    const std::vector<model_price>* prices = &known_prices();
    /// How many nodes of the cluster are up and share the limits of providers. Empty: one.
    std::function<std::uint32_t()> nodes_up = {};
    /// Told of each call that ends without an answer, just before its asker hears of it. May be
    /// empty.
    std::function<void(const carried_call&)> tell_end;
  };

  models_logic(options chosen, metrics& counted);
  ~models_logic() override;

  void start(step_context& context, const address& self) override;
  void step(step_context& context, event input) override;
  /// Waiting callers get `unavailable`; transfers are closed.
  void stop(step_context& context) override;

  /// When the limits of that provider let a call go, as far as is known; `now` if they do.
  instant takes_calls_at(std::string_view provider, instant now) const;
  /// Whether the call that `other` is about has gone to its provider.
  bool was_sent(const envelope& other);

  bool invariants() const;

private:
  using calls = std::map<std::uint64_t, carried_call>;

  void take_chat(step_context& context, envelope request);
  void take_texts(step_context& context, envelope request);
  void take(step_context& context, envelope request, resolved_model found);
  bool make_room(step_context& context, asked_provider& of, const envelope& request);
  void pass_on(step_context& context, envelope message) const;
  void tell_health(step_context& context, const envelope& request) const;
  calls::iterator find(const envelope& other);
  carried_call* repeated(const envelope& request);
  void give_up(step_context& context, envelope order);
  void out_of_time(step_context& context, std::uint32_t timer);
  void begin_next(step_context& context, asked_provider& of);
  bool must_wait(step_context& context, asked_provider& of, std::uint64_t number);
  void count_limits(const asked_provider& of, instant now) const;
  void note_pace(step_context& context, carried_call& one, const HttpEvent& happened) const;
  std::optional<failure> begin(step_context& context, std::uint64_t number,
                               carried_call& one) const;
  void came(step_context& context, const HttpEvent& happened);
  void taken(step_context& context, const envelope& by, const PiecesTaken& told);
  void succeed(step_context& context, calls::iterator one, envelope answer);
  void end(step_context& context, calls::iterator one, failure why);
  void end_and_go_on(step_context& context, calls::iterator one, const failure& why);
  void forget(step_context& context, calls::iterator one);
  void count_load(const asked_provider& of) const;

  /// The timer of a provider has this bit, and its number; those of calls have the numbers of
  /// calls. The highest bit is for the routes (routed_models.hpp).
  static constexpr std::uint32_t pace_timer = 0x4000'0000;
  static constexpr std::uint32_t call_numbers = pace_timer - 1;

  options options_;
  metrics& counted_;
  address self_;
  std::map<std::string, asked_provider, std::less<>> providers_;
  std::vector<asked_provider*> numbered_; ///< the same, by the number in their timers
  calls calls_;                           ///< by number, which is also that of its timer
  /// By the number of the request. Two senders may use the same.
  std::unordered_multimap<message_id, std::uint64_t, message_id_hash> numbers_;
  std::uint32_t last_ = 0;
};

} // namespace troupe
