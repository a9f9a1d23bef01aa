#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace troupe {

/// A stem as a number.
std::uint64_t hash_of_stem(std::string_view stem);

/// Stems of a text's words as numbers. Stemming is the most expensive part of reading, and most
/// words of a text are repetitions, so the last spellings are kept in a table of fixed size.
class stem_hashes {
public:
  static constexpr std::uint64_t stop_word = 0;

  stem_hashes() : known_(known_count) {}

  /// `stop_word` for one.
  std::uint64_t of(std::string_view lower_case_word);

private:
  static constexpr std::size_t known_count = 4096; // a power of two; 64 KiB

  struct spelling {
    std::uint64_t hash = 0; ///< of all its letters
    std::uint64_t stem = 0;
  };
  std::vector<spelling> known_;
};

} // namespace troupe
