#include "actors/text/tokens.hpp"

#include "actors/text/characters.hpp"

namespace troupe {

using namespace characters;

std::uint64_t count_tokens(std::string_view text) {
  constexpr std::size_t token_bytes = 8;
  std::uint64_t tokens = 0;
  for (std::size_t at = 0; at < text.size();) {
    auto begin = at;
    while (at < text.size() && is_word(text[at]))
      ++at;
    if (at > begin) {
      tokens += (at - begin + token_bytes - 1) / token_bytes;
      continue;
    }
    tokens += is_space(text[at]) ? 0 : 1;
    ++at;
  }
  return tokens;
}

} // namespace troupe
