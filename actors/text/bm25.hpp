#pragma once

#include "actors/text/paged_array.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Asked now and then by what takes long: true when nobody waits for it any more. It stays true.
using give_up = std::function<bool()>;

/// BM25 (Robertson and Zaragoza 2009) over a fixed set of texts: k1 = 1.2, b = 0.75, idf =
/// ln(1 + (N - n + 0.5) / (n + 0.5)), which is never negative. Keeps words, not the texts.
///
/// A text of many different words must not take many times its size, neither while it is read nor
/// afterwards. So a stem is known by 36 bits of its hash, and no stem is stored:
///
/// - While reading, an occurrence is one number of 64 bits: hash, text, how often. A word of one
///   letter occurs once in a passage, however often it stands there, so that a passage has at most
///   about a third as many as it has bytes: below three times the size of the text.
/// - Afterwards the numbers are sorted and written as gaps (varints), 1 to 8 bytes each.
///
/// Two stems may share a hash (among four million different ones each with a probability of
/// 1/17,000): then the one counts as an occurrence of the other, which may change what is ranked
/// first and nothing else.
class bm25 {
public:
  /// At most `limits::ranked_texts_max` texts; what is behind them is not found. When `enough` says
  /// so, it ends early and is of no use.
  explicit bm25(std::span<const std::string_view> texts, const give_up& enough = {});

  /// One score per text, in their order; 0 where no word of the query occurs.
  std::vector<double> score(std::string_view query) const;

  struct weighted_word {
    std::string stem; ///< as from `words_of`
    double weight = 1;
  };
  std::vector<double> score(std::span<const weighted_word> query) const;

  double idf(std::string_view stem) const; ///< of a word that never occurs: the greatest
  std::size_t documents_with(std::string_view stem) const;
  std::size_t size() const noexcept { return lengths_.size(); }

  /// The stems that occur most, weighted by how often; the same number: by their letters. `texts`
  /// are those it was made of.
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
  /// Where the record of a stem begins, every `checkpoint_bytes`.
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
