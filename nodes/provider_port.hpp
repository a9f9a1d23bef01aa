#pragma once

#include "actors/llm/http_port.hpp"
#include "config/providers.hpp"
#include "messages/envelope.hpp"
#include "nodes/provider_keys.hpp"
#include "nodes/simulate/simulated_port.hpp"
#include "telemetry/http_loop.hpp"
#include "telemetry/log.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

/// The calls of `service::models`, made by the node's HTTP client. It adds what no message may
/// hold: the key of the provider, for which a call may have to wait (provider_keys.hpp); and it
/// takes a key out that the provider refuses (401, 403).
///
/// Between the client's thread and the actor there is one event on its way for each call; what
/// comes meanwhile is kept here, up to `provider_kept_bytes_max`, then the transfer pauses if it is
/// a stream. Others share connections by HTTP/2 and are kept whole, up to `model_answer_bytes_max`.
class provider_port final : public http_port {
public:
  struct options {
    models_catalog catalog;
    std::function<void(envelope)> send; ///< from any thread
    std::shared_ptr<log_sink> log;
  };

  /// `client` outlives it.
  provider_port(options how, http_loop& client);
  ~provider_port() override;

  void start(outgoing wanted) override;
  void cancel(std::uint64_t id) override;
  void taken(std::uint64_t id) override;
  std::vector<refused_key> refused_keys(const std::string& provider) override {
    return keys_.taken_out(provider);
  }
  std::optional<limit_headers> take_limits(const std::string& provider) override;
  bool has_rested_key(const std::string& provider) override { return keys_.has_rested(provider); }
  std::string without_keys(std::string_view provider, std::string text) const override {
    return keys_.without_keys(provider, std::move(text));
  }

private:
  struct transfer;

  std::shared_ptr<transfer> find(std::uint64_t id);
  void begin(const std::shared_ptr<transfer>& one, const provider_config& provider, outgoing wanted,
             std::optional<provider_keys::chosen> key);
  void end_before(const std::shared_ptr<transfer>& one, const failure& why);
  void head_came(transfer& one, const http_head& head);
  void came(transfer& one, std::string_view bytes);
  void ended(transfer& one, const http_ending& how);
  void tell(transfer& one);
  void refuse(std::uint64_t id, const failure& why) const;

  options how_;
  http_loop& client_;
  provider_keys keys_;
  simulated_port simulated_; ///< those providers that need no client
  std::mutex mutex_;         ///< of the tables, taken after that of a transfer
  std::map<std::uint64_t, std::shared_ptr<transfer>> transfers_;
  std::map<std::string, limit_headers, std::less<>> limits_; ///< that were not taken yet
};

} // namespace troupe
