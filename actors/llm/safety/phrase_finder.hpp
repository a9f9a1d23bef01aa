#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// Finds many phrases in a text in one pass (Aho, Corasick: "Efficient string matching", CACM 18/6,
/// 1975). Case does not matter (of ASCII), any white space is as good as one space, and a phrase
/// that begins or ends with a letter or digit must not touch another one there: "ass" is not in
/// "class".
class phrase_finder {
public:
  phrase_finder() = default;
  /// Blank phrases are left out.
  explicit phrase_finder(const std::vector<std::string>& phrases);

  struct found_phrase {
    std::size_t phrase = 0; ///< its place in the list
    std::size_t begin = 0, end = 0;
  };
  /// Those that do not overlap, in order; of two that end at one place the longer one.
  std::vector<found_phrase> find(std::string_view text) const;

  /// Where a phrase may have begun that goes on behind the end of `text`; its size if none has.
  std::size_t open_from(std::string_view text) const;

  bool empty() const noexcept { return phrases_ == 0; }

private:
  struct junction {
    std::vector<std::pair<char, std::uint32_t>> next; ///< by byte
    std::uint32_t fallback = 0; ///< the longest other beginning that ends here
    std::uint32_t shorter = 0;  ///< the next one on that way that ends a phrase; 0: none
    std::uint32_t depth = 0;    ///< bytes
    std::int32_t phrase = -1;   ///< that ends here
    bool begins_word = false, ends_word = false;
  };

  std::uint32_t step(std::uint32_t from, char c) const;
  std::uint32_t child(std::uint32_t of, char c) const;
  void add(std::string_view phrase, std::size_t number);
  void link();

  std::vector<junction> all_{1};
  std::size_t phrases_ = 0;
};

} // namespace troupe
