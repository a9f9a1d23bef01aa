#pragma once

#include "actors/cluster/chunk_budget.hpp"
#include "messages/byte_slice.hpp"
#include "messages/errors.hpp"

#include <cstdint>
#include <map>
#include <memory>

namespace troupe {

/// Assembles the payloads of one link that come in chunks (messages/wire.hpp). Each is written
/// once, to its final place: its first chunk gives its length. Announced memory that is not filled
/// is not touched, so it takes no real memory.
///
/// Bounds: `limits::link_streams_max` unfinished payloads, which together announce at most
/// `limits::link_assembling_bytes_max`. The bytes that have arrived count in the node's
/// `chunk_budget`, if there is one.
class chunk_assembly {
public:
  /// From this call on, unfinished bytes count in `of`. Before it, and in clients, they do not.
  void count_in(std::unique_ptr<chunk_budget::share> of) { share_ = std::move(of); }

  /// Takes in the body of one chunk frame. `too_large` beyond a bound.
  result<void> add(const byte_slice& body);

  /// The complete payload of that stream; the stream is forgotten. `bad_message` if the payload is
  /// not complete or has another size.
  result<byte_slice> finish(std::uint32_t stream, std::size_t bytes);

  bool must_give_way() const { return share_ && share_->must_give_way(); }

private:
  struct unfinished {
    std::shared_ptr<char[]> bytes;
    std::size_t size = 0; ///< when it will be complete
    std::size_t came = 0;
  };

  std::unique_ptr<chunk_budget::share> share_; ///< destroyed after what it counts
  std::map<std::uint32_t, unfinished> streams_;
  std::size_t announced_ = 0;
};

} // namespace troupe
