#include "actors/llm/anthropic/cache_marks.hpp"

#include "config/limits/dialects.hpp"
#include "messages/models.pb.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace troupe {

namespace {

std::size_t marks_in(const std::string& passed_on) {
  constexpr std::string_view mark = "\"cache_control\"";
  std::size_t found = 0;
  for (auto at = passed_on.find(mark); at != passed_on.npos; at = passed_on.find(mark, at + 1))
    ++found;
  return found;
}

std::size_t marks_of_asker(const ModelRequest& what) {
  auto found = marks_in(what.passed_on());
  for (const auto& tool : what.tools())
    found += marks_in(tool.passed_on());
  for (const auto& message : what.messages()) {
    found += marks_in(message.passed_on());
    for (const auto& part : message.parts())
      found += marks_in(part.passed_on());
  }
  return found;
}

} // namespace

std::vector<int> cache_marks(const ModelRequest& what) {
  std::size_t before = 0; // bytes; tools stand before all messages
  for (const auto& tool : what.tools())
    before += tool.name().size() + tool.description().size() + tool.parameters().size();
  std::vector<int> made;
  for (int i = 0; i < what.messages_size(); ++i) {
    const auto& message = what.messages(i);
    if (message.fixed_bytes() > 0
        && before + message.fixed_bytes() >= limits::anthropic_cache_bytes_min)
      made.push_back(i);
    before += message.content().size();
    for (const auto& part : message.parts())
      before += part.ByteSizeLong();
  }
  if (made.empty())
    return made;
  auto taken = std::min(marks_of_asker(what), limits::anthropic_cache_marks_max);
  auto left = limits::anthropic_cache_marks_max - taken;
  if (made.size() > left)
    made.erase(made.begin(), made.end() - static_cast<std::ptrdiff_t>(left));
  return made;
}

} // namespace troupe
