#pragma once

#include "actors/llm/http_port.hpp"
#include "config/providers.hpp"
#include "nodes/simulate/behaviour.hpp"
#include "nodes/simulate/prompt_cache.hpp"
#include "nodes/simulate/provider_request.hpp"
#include "nodes/simulate/timed_work.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace troupe {

class HttpEvent;

/// The providers of kind `simulated`: a provider within the node, so that agents can be tried and
/// measured without a network, a key or another process.
///
/// It reads the same requests and makes the same answers as `troupe simulate`, byte for byte but
/// for their ids, because both use the same parts; only a socket is missing. What goes wrong only
/// with a socket cannot be asked of it (`mistake_in`). Thread-safe.
class simulated_port final : public http_port {
public:
  /// `tell` is called from any thread, and must not call back at once.
  simulated_port(const models_catalog& all, std::function<void(HttpEvent)> tell);
  ~simulated_port() override;

  void start(outgoing wanted) override;
  void cancel(std::uint64_t id) override;
  void taken(std::uint64_t id) override;
  std::vector<refused_key> refused_keys(const std::string&) override { return {}; }
  std::string without_keys(std::string_view, std::string text) const override { return text; }

  /// What is wrong with the settings `simulate` of those providers; empty: nothing.
  static std::string mistake_in(const models_catalog& all);

private:
  struct simulated_settings {
    behaviour how;
    std::uint64_t seed = 0;
  };
  struct answer_in_parts;

  void write_chat(answer_in_parts& into, const provider_request& asked,
                  const simulated_settings& as, std::uint64_t number, std::uint64_t owner);
  /// Needs no lock: it reads only what is fixed, and the cache has its own.
  std::unique_ptr<answer_in_parts> answer_to(outgoing wanted, std::uint64_t number);
  void deliver(std::uint64_t id);
  std::chrono::nanoseconds draw(const latency& of, std::uint64_t seed);

  std::map<std::string, simulated_settings, std::less<>> providers_;
  std::function<void(HttpEvent)> tell_;
  prompt_cache cache_;
  std::atomic<std::uint64_t> number_{0};                            ///< of calls so far
  std::mutex mutex_;                                                ///< of all that follows
  std::map<std::uint64_t, std::unique_ptr<answer_in_parts>> calls_; ///< by the caller's number
  std::uint64_t drawn_ = 0;
  timed_work later_; ///< ends first
};

} // namespace troupe
