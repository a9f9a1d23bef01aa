#include "actors/cluster/chunk_assembly.hpp"

#include "config/limits/links.hpp"
#include "messages/wire.hpp"

#include <cstring>

namespace troupe {

result<void> chunk_assembly::add(const byte_slice& body) {
  auto chunk = read_chunk(body.view());
  if (!chunk)
    return unexpected{chunk.error()};
  auto found = streams_.find(chunk->stream);
  if (found == streams_.end()) {
    if (chunk->total > limits::payload_bytes_max
        || announced_ + chunk->total > limits::link_assembling_bytes_max
        || streams_.size() >= limits::link_streams_max)
      return fail(ec::too_large, "more unfinished chunks than a link may hold");
    unfinished begun{std::make_shared_for_overwrite<char[]>(chunk->total), chunk->total, 0};
    found = streams_.emplace(chunk->stream, std::move(begun)).first;
    announced_ += chunk->total;
  }
  auto& whole = found->second;
  if (chunk->total != whole.size || chunk->bytes.size() > whole.size - whole.came)
    return fail(ec::bad_message, "a chunk that does not fit its payload");
  if (share_ && !share_->take(chunk->bytes.size()))
    return fail(ec::overloaded, "all links together hold more unfinished chunks than this node "
                                "takes, and this one most");
  std::memcpy(whole.bytes.get() + whole.came, chunk->bytes.data(), chunk->bytes.size());
  whole.came += chunk->bytes.size();
  return {};
}

result<byte_slice> chunk_assembly::finish(std::uint32_t stream, std::size_t bytes) {
  auto found = streams_.find(stream);
  if (found == streams_.end() || found->second.came != found->second.size
      || found->second.size != bytes)
    return fail(ec::bad_message, "a message whose chunks are not complete");
  auto whole = std::move(found->second);
  streams_.erase(found);
  announced_ -= whole.size;
  if (share_)
    share_->give(whole.size);
  auto data = whole.bytes.get();
  return byte_slice{std::move(whole.bytes), data, whole.size};
}

} // namespace troupe
