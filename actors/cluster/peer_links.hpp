#pragma once

#include "messages/ids.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// Which of a node's links to each other member counts. There may be several for a while: the old
/// one is dead and only one end knows, both ends dialled at once, or somebody redirects a
/// connection.
///
///  - A link that works is kept until the new one has carried sealed frames in both directions.
///  - Of two links that have done so, both ends keep the same one, in whatever order they hear of
///    them: the one dialled by the member with the lower id, and among those the one dialled later.
///  - A member that began a new life (its incarnation grew) has no link from its former life: its
///    new link counts as soon as it is proven.
///  - If the link that counts ends while another is proven, the other takes its place at once.
///    Until the new one has carried frames itself, it steps back for a link that has, and no link
///    is ended for it.
///
/// Pure: no clock, no sockets, no locks. The driver does what `change` says.
class peer_links {
public:
  using number = std::uint64_t; ///< of a link, unique in this process

  struct link {
    number id = 0;
    node_id peer;
    std::uint64_t incarnation = 0; ///< of the peer
    bool dialled_by_lower = false; ///< by the end whose node id is lower
    std::uint64_t dial = 0;        ///< as the dialler counts
  };

  struct links_change {
    std::optional<number> attach; ///< this link counts from now on
    std::vector<number> end;      ///< these are no longer needed: close them when they are drained
    std::vector<number> dead;     ///< of a former life of the peer: close them
    bool lost = false;            ///< the peer no longer has a link that counts
  };

  /// Both ends have proven who they are. This link itself may be among those to end.
  links_change proven(const link& with);
  /// Sealed frames have passed in both directions.
  links_change confirmed(number id);
  /// The link is closed, for whatever reason. Does nothing for links that were never proven.
  links_change closed(number id);

  /// The link that counts; nothing if there is none.
  std::optional<number> current(node_id peer) const;
  /// Whether there is a link that counts, or may soon.
  bool has_link(node_id peer) const;

private:
  enum class standing {
    waiting, ///< proven, and not confirmed yet
    current, ///< counts; not confirmed yet if it took the place of one that ended
    ended    ///< no longer needed, and not closed yet
  };
  struct proven_link {
    link with;
    standing now = standing::waiting;
    bool works = false; ///< it is confirmed
  };
  using links = std::vector<proven_link>;

  static bool better(const link& a, const link& b);
  static proven_link* current_of(links& of);
  proven_link* find(number id);

  std::map<node_id, links> peers_; ///< links that are proven and not closed, none of them empty
};

} // namespace troupe
