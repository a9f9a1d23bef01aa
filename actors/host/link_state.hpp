#pragma once

#include "actors/cluster/link_logic.hpp"
#include "actors/cluster/outbox.hpp"
#include "actors/host/link_registration.hpp"

#include <caf/io/connection_handle.hpp>

#include <memory>
#include <string>
#include <utility>

namespace troupe {

/// What the broker of one link knows: how far the link has come, and what belongs to it. CAF's I/O
/// thread only.
struct link_state {
  static inline const char* name = "link";

  enum class phase : std::uint8_t {
    proving, ///< the peer has not shown who it is, or may still not be here
    open,    ///< the peer is one of ours: others can find it, and it is read
    halted,  ///< the same, but nothing is read until the node has room
    ended,   ///< nothing is read or written any more, and it is registered nowhere
  };

  /// Why a link ends, beside the words of the failure that ends it.
  enum class cause : std::uint8_t {
    found_here, ///< this node ends it
    crowded,    ///< this node ends it for lack of room, not for anything it did
    told,       ///< the peer has ended it, and said so
    gone,       ///< the connection was closed, which is as ordinary as a client that leaves
  };

  node_host& host() const { return hub->host; }
  instant now() const { return host().clock.now(); }
  bool is_attached() const noexcept { return at == phase::open || at == phase::halted; }
  bool has_ended() const noexcept { return at == phase::ended; }

  /// "link 7 with node-2 (127.0.0.1:4711)"; the peer's name once it is proven.
  std::string title() const;

  void log(log_level level, std::string text) const {
    host().log->write({level, "link", std::move(text), {}});
  }
  /// Tells of a transition: "link 7 with node-2 (127.0.0.1:4711) " and `what()`.
  template <class What>
  void debug(const What& what) const {
    troupe::debug(*host().log, "link", [&] { return title() + " " + what(); });
  }

  /// From now on it is found nowhere. Counts and logs the end.
  void end(const failure& why, cause because);

  bool invariants() const;

  link_hub* hub = nullptr;
  std::uint64_t number = 0;
  phase at = phase::proving;
  std::unique_ptr<link_registration> registered; ///< null when the link has ended
  caf::io::connection_handle connection;
  std::unique_ptr<link_logic> protocol;
  std::shared_ptr<outbox> waiting;
  std::size_t unsent = 0; ///< handed to CAF and not yet to the socket
  int socket = -1;        ///< CAF's

private:
  void note_end(const failure& why, cause because) const;
};

} // namespace troupe
