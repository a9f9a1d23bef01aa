#pragma once

#include "config/limits/choosing.hpp"
#include "messages/ids.hpp"

#include <chrono>
#include <cstdint>

namespace troupe {

/// Keeps calls away from one model of one provider while they would only fail.
///
/// What concerns only a key (401, 403, 429) is no failure here (`is_illness`): the keys of a
/// provider are taken out, or rest, one by one (nodes/provider_keys.hpp).
///
/// It opens after `breaker_failures` failures in a row, or when half of at least
/// `breaker_calls_min` calls of a window failed. Open for a while (a second, doubled with each
/// probe that fails, at most `breaker_open_max`), it then lets one call through, the probe; nobody
/// else until that one has ended. A probe that is answered closes it.
///
/// So a provider that has recovered is found within `breaker_open_max` and one call.
class circuit_breaker {
public:
  using instant = troupe::instant;

  enum class state : std::uint8_t {
    closed,    ///< calls pass
    open,      ///< none passes
    half_open, ///< the pause is over: the next call is the probe
    probing,   ///< the probe is on its way
  };

  state now(instant at) const;
  /// Whether a call may pass at that moment; `begin` it then.
  bool lets_pass(instant at) const {
    auto is = now(at);
    return is == state::closed || is == state::half_open;
  }
  /// A call begins. True: it is the probe.
  bool begin(instant at);

  void succeeded(instant at);
  void failed(instant at);
  /// The call ended without telling anything about the model: it was given up, or was wrong. A
  /// probe's place is free.
  void told_nothing(bool was_probe);

  /// When the next probe may pass; only while it is open.
  instant opens_again() const noexcept { return until_; }

  bool invariants() const;

private:
  void open(instant at);
  void count(instant at, bool failed);

  bool is_open_ = false;
  bool is_probing_ = false;
  instant until_{}; ///< open until then
  instant probing_since_{};
  std::uint32_t in_a_row_ = 0;
  std::uint32_t opened_ = 0; ///< in a row, for the length of the pause
  instant window_began_{};
  std::uint32_t calls_ = 0, failures_ = 0; ///< of the window
};

} // namespace troupe
