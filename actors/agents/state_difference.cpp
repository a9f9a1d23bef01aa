#include "actors/agents/state_difference.hpp"

#include <algorithm>
#include <cstring>

namespace troupe {

namespace {

constexpr std::size_t block_bytes = 4096; ///< compared at once: states are large and change little

std::size_t same_at_begin(std::string_view a, std::string_view b) {
  auto most = std::min(a.size(), b.size());
  std::size_t same = 0;
  while (most - same >= block_bytes && std::memcmp(&a[same], &b[same], block_bytes) == 0)
    same += block_bytes;
  while (same < most && a[same] == b[same])
    ++same;
  return same;
}

std::size_t same_at_end(std::string_view a, std::string_view b) {
  auto most = std::min(a.size(), b.size());
  std::size_t same = 0;
  while (most - same >= block_bytes
         && std::memcmp(a.data() + a.size() - same - block_bytes,
                        b.data() + b.size() - same - block_bytes, block_bytes)
                == 0)
    same += block_bytes;
  while (same < most && a[a.size() - same - 1] == b[b.size() - same - 1])
    ++same;
  return same;
}

} // namespace

StateChange difference(std::string_view before, std::string_view now) {
  auto begin = same_at_begin(before, now);
  auto end = same_at_end(before.substr(begin), now.substr(begin));
  StateChange made;
  made.set_offset(begin);
  made.set_removed(before.size() - begin - end);
  made.set_inserted(std::string{now.substr(begin, now.size() - begin - end)});
  return made;
}

} // namespace troupe
