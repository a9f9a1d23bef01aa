#pragma once

#include "messages/frame_seal.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// What both ends of a link know once both Hellos have arrived. Neither end can be made to use a
/// secret, nonce, node id or wanted node that differs from what the other end has seen: all of
/// these go into every value here.
struct link_transcript {
  std::string_view secret;   ///< of the cluster
  std::string_view dialled;  ///< the dialler's Hello, as it was sent
  std::string_view accepted; ///< the acceptor's
};

/// An HMAC-SHA256. It proves that one end knows the secret and has seen both Hellos. The two ends'
/// proofs differ, so neither can be sent back to its maker.
std::string proof_of(const link_transcript& seen, bool by_dialler);

/// Keys of the session, one per direction: HKDF-SHA256 (RFC 5869) of the secret, salted with both
/// Hellos and so with both nonces. Anyone who learns the secret later can compute them. There is no
/// forward secrecy, because nothing is encrypted.
struct link_keys {
  frame_key dialler;  ///< of what the dialler sends
  frame_key acceptor; ///< of what the acceptor sends
};
link_keys keys_of(const link_transcript& seen);

} // namespace troupe
