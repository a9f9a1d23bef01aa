#include "actors/text/stem_hashes.hpp"

#include "actors/text/text.hpp"

#include <algorithm>
#include <xxhash.h>

namespace troupe {

std::uint64_t hash_of_stem(std::string_view stem) {
  return std::max<std::uint64_t>(XXH3_64bits(stem.data(), stem.size()), 1);
}

std::uint64_t stem_hashes::of(std::string_view lower_case_word) {
  auto hash = XXH3_64bits(lower_case_word.data(), lower_case_word.size());
  auto& known = known_[hash % known_count];
  if (known.hash != hash)
    known = {hash,
             is_stop_word(lower_case_word) ? stop_word : hash_of_stem(stem_of(lower_case_word))};
  return known.stem;
}

} // namespace troupe
