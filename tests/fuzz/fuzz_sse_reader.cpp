// For libFuzzer: an event stream gives the same events however it is split, and never reads a byte
// that is not its own. The first byte of the input says how it is split.
#include "actors/llm/sse_reader.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t event_bytes_max = 64; // small, so that the limit is met

struct told {
  std::vector<std::string> events;
  bool too_large = false;
  bool operator==(const told&) const = default;
};

/// Each part is in memory of its own, so that a sanitizer sees who reads behind it or too late.
told read(std::string_view stream, std::size_t part_bytes) {
  troupe::sse_reader reader{event_bytes_max};
  told made;
  while (!stream.empty()) {
    auto size = std::min(part_bytes, stream.size());
    auto part = std::make_unique<char[]>(size);
    stream.copy(part.get(), size);
    stream.remove_prefix(size);
    reader.give({part.get(), size});
    while (auto event = reader.next()) {
      made.events.emplace_back(event->type);
      made.events.emplace_back(event->data);
      made.events.emplace_back(event->id);
    }
  }
  made.too_large = reader.too_large();
  return made;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  std::string_view stream{reinterpret_cast<const char*>(data) + 1, size - 1};
  auto whole = read(stream, stream.size() + 1);
  if (read(stream, 1) != whole || read(stream, 1 + *data % 16) != whole)
    std::abort();
  return 0;
}
