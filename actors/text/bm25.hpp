#pragma once

#include "actors/text/paged_array.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Long work asks it now and then. True when nobody waits for the work any more; then it stays
/// true.
using give_up = std::function<bool()>;

/// BM25 (Robertson and Zaragoza 2009) over a fixed set of texts: k1 = 1.2, b = 0.75, idf =
/// ln(1 + (N - n + 0.5) / (n + 0.5)), which is never negative. Keeps words, not the texts.
///
/// A text of many different words must not take many times its size, neither while it is being read
/// nor afterwards. So 36 bits of its hash identify a stem, and no stem is stored:
///
/// - While reading, an occurrence is one number of 64 bits: hash, text, count. A one-letter word
///   counts once per passage, however often it is there, so a passage has at most about a third as
///   many occurrences as bytes: less than three times the size of the text.
/// - Afterwards the numbers are sorted and written as gaps (varints), 1 to 8 bytes each.
///
/// Two stems may share a hash (among four million different stems, each with a probability of
/// 1/17,000). Then each counts as an occurrence of the other. That may change the ranking and
/// nothing else.
class bm25 {
public:
  /// At most `limits::ranked_texts_max` texts; texts after them are not found. When `enough` says
  /// so, it ends early, and the index is useless.
  explicit bm25(std::span<const std::string_view> texts, const give_up& enough = {});

  /// One score per text, in their order; 0 where no word of the query occurs.
  std::vector<double> score(std::string_view query) const;

  struct weighted_word {
    std::string stem; ///< as from `words_of`
    double weight = 1;
  };
  std::vector<double> score(std::span<const weighted_word> query) const;

  double idf(std::string_view stem) const; ///< for a word that never occurs: the greatest
  std::size_t documents_with(std::string_view stem) const;
  std::size_t size() const noexcept { return lengths_.size(); }

  /// The stems that occur most, weighted by how often; equal numbers are ordered by their letters.
  /// `texts` are the texts it was made from.
  std::vector<weighted_word> common_words(std::span<const std::string_view> texts,
                                          std::size_t at_most, const give_up& enough = {}) const;

  /// Bytes it takes.
  std::size_t memory() const noexcept;

private:
  class reader;
  class common;
  struct entry {
    std::uint64_t hash = 0;
    std::uint32_t texts = 0; ///< in which it occurs
    std::uint64_t total = 0;
    std::uint32_t first_text = 0;
  };
  /// Where a stem's record begins, for every `checkpoint_bytes`.
  struct checkpoint {
    std::uint64_t hash = 0;
    std::uint32_t offset = 0;
  };

  void pack(paged_array<std::uint64_t>& sorted);
  reader find(std::string_view stem) const;

  paged_array<unsigned char> packed_; ///< records, ordered by hash
  std::vector<checkpoint> checkpoints_;
  std::vector<std::uint32_t> lengths_; ///< in words
  double mean_length_ = 0;
};

} // namespace troupe
