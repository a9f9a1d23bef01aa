#pragma once

#include "actors/llm/http_port.hpp"
#include "config/limits/secrets.hpp"
#include "config/providers.hpp"
#include "messages/errors.hpp"
#include "nodes/read_key.hpp"
#include "nodes/simulate/timed_work.hpp"
#include "telemetry/log.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// The keys of all providers. They are nowhere else in the process: not in a message, a
/// configuration or a line of the log.
///
/// A key is read from its place (config/providers.hpp) when it is needed, and again when its file
/// has changed. While there is a key to use, files are looked at once in `key_look_interval`; when
/// there is none, once in `key_retry_interval`. Several keys of a provider take turns by weight.
/// One that the provider has refused is taken out, with a warning, until it changes. One that was
/// told to wait (429) is passed over until then, while another can be used.
///
/// A file system may be silent for hours (a server of files that has gone), and nobody can call off
/// who reads from it. So each look is done by a thread of its own, one for a provider at most, and
/// the calls of that provider wait for it: `key_read_timeout`, then they go on with the keys that
/// were known before. Calls of others do not notice. A thread that hangs when this object goes is
/// left behind. Thread-safe.
class provider_keys {
public:
  struct chosen {
    std::size_t index = 0; ///< among those of its provider
    std::string key;
  };
  /// Gets the key to use; nothing: the provider wants none; `unavailable`: there is none to use,
  /// and which place to look at.
  using taker = std::function<void(result<std::optional<chosen>>)>;
  struct options {
    std::function<outcome<std::string, std::string>(const key_place&, std::string_view provider,
                                                    std::size_t index)>
        read = &read_key;
    std::chrono::milliseconds read_within = limits::key_read_timeout;
    std::chrono::milliseconds look_every = limits::key_look_interval;
    std::chrono::milliseconds retry_every = limits::key_retry_interval;
  };

  provider_keys(const models_catalog& all, std::shared_ptr<log_sink> log);
  provider_keys(const models_catalog& all, std::shared_ptr<log_sink> log, options how);
  ~provider_keys();

  /// Calls `then` once, unless this object is closed before: at once if the key is known, otherwise
  /// from another thread. It must not block.
  void next(std::string_view provider, taker then);
  /// No taker is called any more when this returns.
  void close();

  /// The provider has refused that key, which was the one of that index.
  void refused(std::string_view provider, const chosen& which, unsigned status);
  /// The provider takes no call with that key for so long; nothing: `pace_pause`.
  void told_to_wait(std::string_view provider, const chosen& which,
                    std::optional<std::chrono::milliseconds> how_long);
  /// Whether the next call gets a key that need not wait, as far as is known; false if there is
  /// only one.
  bool has_rested(std::string_view provider) const;
  /// Those that are taken out, as far as is known without looking at a file; it is looked at now.
  std::vector<http_port::refused_key> taken_out(std::string_view provider);
  /// `text` without any key of that provider, nor the one that was there before.
  std::string without_keys(std::string_view provider, std::string text) const;

private:
  struct held_key;
  struct keys_of;
  struct seen_key;
  struct shelf;

  void look(std::unique_lock<std::mutex> lock, std::string_view provider, keys_of& of);

  options how_;
  std::shared_ptr<log_sink> log_;
  std::shared_ptr<shelf> shelf_; ///< threads that look have it too
  timed_work later_;             ///< ends first
};

} // namespace troupe
