#pragma once

#include "actors/logic.hpp"
#include "config/limits/work.hpp"
#include "messages/models.pb.h"
#include "telemetry/metrics.hpp"

#include <chrono>
#include <cstdint>
#include <map>

namespace troupe {

/// The built-in model (actors/llm/offline/offline_model.hpp) as a provider
/// (actors/llm/provider.hpp) at `service::offline`. Its one model is "offline"; an empty name means
/// the same.
///
/// A call waits for `delay` in a bounded table and is then worked on within one step; calls wait at
/// the same time. Without a delay, a call is worked on when it comes. A call with no time left is
/// not worked on. A call that is cancelled while it waits is answered `cancelled` at once.
class offline_provider_logic : public logic {
public:
  struct options {
    std::chrono::milliseconds delay{
        0}; ///< each call takes at least that long; for tests and demonstrations
    std::size_t waiting_max = limits::model_requests_waiting_max; ///< beyond it: `overloaded`
  };

  offline_provider_logic(options chosen, metrics& counted);

  void start(step_context& context, const address& self) override;
  void step(step_context& context, event input) override;
  /// Waiting callers get `unavailable`.
  void stop(step_context& context) override;

private:
  struct call {
    envelope request; ///< its body is a ModelRequest
    instant arrived;
    instant deadline; ///< `instant::max()`: none
  };

  void take(step_context& context, envelope request);
  void give_up(step_context& context, const envelope& order);
  void work_on(step_context& context, call& waiting);
  void send_pieces(step_context& context, const envelope& request, std::string_view text,
                   PieceUnit unit);
  call* repeated(const envelope& request);

  options options_;
  metrics& counted_;
  address self_;
  std::map<std::uint32_t, call> waiting_; ///< by timer
  std::uint32_t last_timer_ = 0;
};

} // namespace troupe
