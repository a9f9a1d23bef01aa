#pragma once

#include "actors/llm/key_hider.hpp"
#include "actors/llm/pacing/limit_headers.hpp"
#include "messages/errors.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// How a logic makes HTTP calls: a node's HTTP client, or a fake in tests and in the simulator.
///
/// No function waits. What becomes of a call comes as HttpEvents (messages/http.proto) to
/// `service::models`, at most one at a time for each call: the client keeps what comes meanwhile,
/// and when that is `provider_kept_bytes_max` it stops reading a stream. So a slow logic slows the
/// transfer and loses nothing. Every call that was started ends with exactly one event with
/// `ended`, unless it was cancelled.
///
/// It knows the keys of the providers, and takes them out of texts (key_hider.hpp). Bodies are as
/// they came: what a server says may repeat the key that it was given.
class http_port : public key_hider {
public:
  struct outgoing {
    std::uint64_t id = 0; ///< chosen by the caller, not used twice
    std::string provider; ///< whose key is added; the key itself is in no message
    std::string method = "POST";
    std::string path;                 ///< behind the provider's base URL
    std::vector<std::string> headers; ///< "name: value"
    std::string body;
    /// Its answer comes in pieces and is worked on as it comes. One that comes whole is kept whole
    /// anyway: it is never stopped, and may share a connection.
    bool streams = false;
  };
  /// The provider has refused that key.
  struct refused_key {
    std::string place; ///< where it stands; never the key
    unsigned status = 0;
    std::int64_t since_ns = 0;
  };

  virtual void start(outgoing wanted) = 0;
  /// Nothing more is heard of it; its connection is closed.
  virtual void cancel(std::uint64_t id) = 0;
  /// The last event about that call has been worked on.
  virtual void taken(std::uint64_t id) = 0;
  virtual std::vector<refused_key> refused_keys(const std::string& provider) = 0;
  /// What the last answer of that provider said of its limits; nothing if none has come since this
  /// was asked last. It is newer than the event that is worked on, or of the same answer: of limits
  /// only the last word counts.
  virtual std::optional<limit_headers> take_limits(const std::string& provider) {
    (void)provider;
    return std::nullopt; // a port without headers
  }
  /// Whether another key of that provider, one that has not lately been told to wait (429), takes
  /// the next call.
  virtual bool has_rested_key(const std::string& provider) {
    (void)provider;
    return false;
  }
};

} // namespace troupe
