#include "actors/host/link_state.hpp"

#include "messages/cluster.pb.h"

#include <bit>

namespace troupe {

std::string link_state::title() const {
  auto text = "link " + std::to_string(number) + " with ";
  const auto& peer = protocol->peer();
  if (!protocol->is_proven())
    return text + "an unproven connection";
  if (peer.client())
    return text + "the client of session " + to_string(session_id{peer.session()});
  return text + peer.node().name() + " (" + peer.node().address() + ")";
}

void link_state::end(const failure& why, cause because) {
  at = phase::ended;
  note_end(why, because);
  // Removed now, not when the broker is destroyed.
  registered->ends_because(why.message, because == cause::told);
  registered.reset();
}

/// Counts an end that is not ordinary, and warns of it.
void link_state::note_end(const failure& why, cause because) const {
  bool client_left = protocol->is_proven() && protocol->peer().client();
  if (client_left || why.code == ec::cancelled || because == cause::gone)
    return debug([&] { return "ends: " + why.message; });
  host().counted.plain().links_refused.fetch_add(1, std::memory_order_relaxed);
  // Rarely logged for links that make way: somebody who fills the door would fill the log too.
  if (because != cause::crowded || std::has_single_bit(registered->door()->asked_to_leave()))
    log(log_level::warning, "closing " + title() + ": " + why.message);
  else
    debug([&] { return "ends: " + why.message; });
}

bool link_state::invariants() const {
  switch (at) {
    case phase::proving:
      return registered && waiting;
    case phase::open:
    case phase::halted:
      return registered && waiting && protocol && protocol->is_proven() && protocol->invariants();
    case phase::ended:
      return !registered;
  }
  return false;
}

} // namespace troupe
