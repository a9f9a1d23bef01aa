#include "actors/text/bm25.hpp"

#include "actors/text/stem_hashes.hpp"
#include "actors/text/text.hpp"
#include "config/limits/reading.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <queue>
#include <set>

namespace troupe {

namespace {

constexpr double k1 = 1.2, b = 0.75;

// An occurrence: 36 bits of the stem's hash, 18 of the text's number, 10 of how often it occurs.
constexpr unsigned count_bits = 10, text_bits = 18, hash_bits = 36;
static_assert(count_bits + text_bits + hash_bits == 64);
static_assert(limits::ranked_texts_max < std::uint64_t{1} << text_bits);
constexpr std::uint64_t count_max = (1U << count_bits) - 1, text_max = (1U << text_bits) - 1;

constexpr std::uint64_t short_hash(std::uint64_t hash) { return hash >> (64 - hash_bits); }
std::uint64_t short_hash(std::string_view stem) { return short_hash(hash_of_stem(stem)); }

constexpr std::uint64_t hash_in(std::uint64_t occurrence) {
  return occurrence >> (text_bits + count_bits);
}
constexpr std::uint32_t text_in(std::uint64_t occurrence) {
  return static_cast<std::uint32_t>(occurrence >> count_bits & text_max);
}
constexpr std::uint32_t count_in(std::uint64_t occurrence) {
  return static_cast<std::uint32_t>(occurrence & count_max);
}

constexpr std::uint32_t checkpoint_bytes = 512;
constexpr std::size_t forgotten_at_once = 128 * 1024; ///< occurrences that have been written
constexpr std::uint32_t asked_every = 64;             ///< texts

/// Seven bits a byte, the lowest first; the eighth says that more follow.
void append_number(paged_array<unsigned char>& to, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7)
    to.push_back(static_cast<unsigned char>(number | 0x80));
  to.push_back(static_cast<unsigned char>(number));
}

/// The stems of one text, each once with its number.
void count_stems(std::vector<std::uint64_t>& hashes, std::uint64_t text,
                 paged_array<std::uint64_t>& into) {
  std::sort(hashes.begin(), hashes.end());
  for (std::size_t i = 0; i < hashes.size();) {
    auto same = i;
    while (same < hashes.size() && hashes[same] == hashes[i])
      ++same;
    into.push_back(hashes[i] << (text_bits + count_bits) | text << count_bits
                   | std::min<std::uint64_t>(same - i, count_max));
    i = same;
  }
}

} // namespace

/// Reads records, one after the other:
///
///     record      = gap of the hash, number of texts, occurrence*
///     occurrence  = (gap of the text << 1 | several), how often if several
class bm25::reader {
public:
  reader(std::span<const unsigned char> bytes, std::uint64_t hash_before)
      : bytes_(bytes), hash_(hash_before) {}

  bool next_stem() {
    if (at_ == bytes_.size())
      return false;
    hash_ += number();
    texts_ = left_ = static_cast<std::uint32_t>(number());
    text_ = 0;
    return true;
  }
  std::uint64_t hash() const { return hash_; }
  std::uint32_t texts() const { return texts_; }

  bool next_text() {
    if (left_ == 0)
      return false;
    --left_;
    auto gap = number();
    text_ += static_cast<std::uint32_t>(gap >> 1);
    count_ = (gap & 1) != 0 ? static_cast<std::uint32_t>(number()) : 1;
    return true;
  }
  std::uint32_t text() const { return text_; }
  std::uint32_t count() const { return count_; }

  /// Skips what is left of this stem.
  void skip() {
    while (next_text()) {
    }
  }

private:
  std::uint64_t number() {
    std::uint64_t read = 0;
    for (unsigned shift = 0;; shift += 7) {
      auto byte = bytes_[at_++];
      read |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80)
        return read;
    }
  }

  std::span<const unsigned char> bytes_;
  std::size_t at_ = 0;
  std::uint64_t hash_ = 0;
  std::uint32_t texts_ = 0, left_ = 0, text_ = 0, count_ = 0;
};

bm25::bm25(std::span<const std::string_view> texts, const give_up& enough) {
  stem_hashes stems;
  paged_array<std::uint64_t> occurrences;
  std::vector<std::uint64_t> hashes; // of one text
  std::uint64_t words = 0;
  lengths_.reserve(texts.size());
  for (auto text : texts) {
    auto number = lengths_.size();
    if (number % asked_every == 0 && enough && enough())
      break;
    hashes.clear();
    if (number <= limits::ranked_texts_max)
      each_word(text, [&](std::string_view word, std::size_t) {
        if (auto stem = stems.of(word); stem != stem_hashes::stop_word)
          hashes.push_back(short_hash(stem));
      });
    lengths_.push_back(static_cast<std::uint32_t>(hashes.size()));
    words += hashes.size();
    count_stems(hashes, number, occurrences);
  }
  lengths_.resize(texts.size());
  if (!lengths_.empty() && words > 0)
    mean_length_ = static_cast<double>(words) / static_cast<double>(lengths_.size());
  auto all = occurrences.all();
  std::sort(all.begin(), all.end());
  pack(occurrences);
}

/// Each occurrence's memory is given back once it is written.
void bm25::pack(paged_array<std::uint64_t>& sorted) {
  auto all = sorted.all();
  std::uint64_t hash_before = 0;
  std::size_t forgotten = 0;
  for (std::size_t first = 0; first < all.size();) {
    auto hash = hash_in(all[first]);
    auto behind = first;
    while (behind < all.size() && hash_in(all[behind]) == hash)
      ++behind;
    auto offset = static_cast<std::uint32_t>(packed_.size());
    if (checkpoints_.empty() || offset - checkpoints_.back().offset >= checkpoint_bytes)
      checkpoints_.push_back({hash, offset});
    append_number(packed_, hash - hash_before);
    append_number(packed_, behind - first);
    std::uint32_t text_before = 0;
    for (auto i = first; i < behind; ++i) {
      auto gap = std::uint64_t{text_in(all[i]) - text_before} << 1;
      append_number(packed_, gap | (count_in(all[i]) > 1 ? 1 : 0));
      if (count_in(all[i]) > 1)
        append_number(packed_, count_in(all[i]));
      text_before = text_in(all[i]);
    }
    hash_before = hash;
    first = behind;
    if (first - forgotten >= forgotten_at_once) {
      sorted.forget_before(first);
      forgotten = first;
    }
  }
  packed_.shrink_to_fit();
  checkpoints_.shrink_to_fit();
}

/// At the stem's record; without texts if there is no record.
bm25::reader bm25::find(std::string_view stem) const {
  auto hash = short_hash(stem);
  auto behind = std::upper_bound(checkpoints_.begin(), checkpoints_.end(), hash,
                                 [](auto wanted, const auto& c) { return wanted < c.hash; });
  if (behind == checkpoints_.begin())
    return {{}, 0};
  auto from = std::prev(behind);
  // The gap at a checkpoint is from the stem before it, so the value read there is corrected.
  auto bytes = packed_.all().subspan(from->offset);
  reader gap{bytes, 0};
  gap.next_stem();
  reader found{bytes, from->hash - gap.hash()};
  while (found.next_stem()) {
    if (found.hash() == hash)
      return found;
    if (found.hash() > hash)
      break;
    found.skip();
  }
  return {{}, 0};
}

std::size_t bm25::documents_with(std::string_view stem) const { return find(stem).texts(); }

double bm25::idf(std::string_view stem) const {
  auto with = static_cast<double>(documents_with(stem));
  return std::log(1 + (static_cast<double>(size()) - with + 0.5) / (with + 0.5));
}

std::vector<double> bm25::score(std::string_view query) const {
  std::vector<weighted_word> words;
  for (auto& word : words_of(query))
    words.push_back({std::move(word), 1});
  return score(words);
}

std::vector<double> bm25::score(std::span<const weighted_word> query) const {
  std::vector<double> scores(size(), 0.0);
  for (const auto& word : query) {
    auto found = find(word.stem);
    if (found.texts() == 0)
      continue;
    auto weight = word.weight * idf(word.stem);
    while (found.next_text()) {
      auto count = static_cast<double>(found.count());
      auto length = static_cast<double>(lengths_[found.text()]) / mean_length_;
      scores[found.text()] += weight * count * (k1 + 1) / (count + k1 * (1 - b + b * length));
    }
  }
  return scores;
}

std::size_t bm25::memory() const noexcept {
  return packed_.memory() + checkpoints_.capacity() * sizeof(checkpoint)
         + lengths_.capacity() * sizeof(std::uint32_t);
}

// -- common words ---------------------------------------------------------------------------------

/// The stems that occur most are known by their hashes. Their letters are read again from the
/// texts.
class bm25::common {
public:
  common(const bm25& index, std::span<const std::string_view> texts, std::size_t at_most,
         const give_up& enough)
      : index_(index), texts_(texts), at_most_(at_most), enough_(enough) {}

  std::vector<weighted_word> run() {
    find_least();
    sort_in();
    for (const auto& entry : above_)
      made_.push_back({letters_of(entry), static_cast<double>(entry.total)});
    take_ties();
    std::sort(made_.begin(), made_.end(), [](const auto& x, const auto& y) {
      return x.weight != y.weight ? x.weight > y.weight : x.stem < y.stem;
    });
    return std::move(made_);
  }

private:
  /// This many with the same count are looked up one by one; more are found in one pass.
  static constexpr std::size_t looked_up_max = 2'000;

  template <class Take>
  void each_entry(Take&& take) const {
    reader records{index_.packed_.all(), 0};
    while (records.next_stem()) {
      entry made{records.hash(), records.texts(), 0, 0};
      for (bool first = true; records.next_text(); first = false) {
        made.total += records.count();
        if (first)
          made.first_text = records.text();
      }
      take(made);
    }
  }

  /// How often the least frequent of the most frequent stems occurs.
  void find_least() {
    std::priority_queue<std::uint64_t, std::vector<std::uint64_t>, std::greater<>> most;
    each_entry([&](const entry& e) {
      most.push(e.total);
      if (most.size() > at_most_)
        most.pop();
    });
    least_ = most.empty() ? 0 : most.top();
  }

  void sort_in() {
    each_entry([&](const entry& e) {
      if (e.total > least_)
        above_.push_back(e);
      else if (e.total == least_ && ties_.size() <= looked_up_max)
        ties_.push_back(e);
    });
  }

  std::string letters_of(const entry& e) {
    std::string found;
    each_word(texts_[e.first_text], [&](std::string_view word, std::size_t) {
      if (found.empty() && short_hash(stems_.of(word)) == e.hash)
        found = stem_of(word);
    });
    return found;
  }

  /// Of the stems that occur `least_` times, the first by their letters, as many as are wanted.
  void take_ties() {
    auto wanted = at_most_ - std::min(at_most_, above_.size());
    std::set<std::string> first;
    auto take = [&](std::string stem) {
      if (first.size() == wanted && !(stem < *first.rbegin()))
        return;
      first.insert(std::move(stem));
      if (first.size() > wanted)
        first.erase(std::prev(first.end()));
    };
    if (wanted > 0 && ties_.size() <= looked_up_max)
      for (const auto& e : ties_)
        take(letters_of(e));
    else if (wanted > 0)
      pass_over_all(first, wanted, take);
    for (const auto& stem : first)
      made_.push_back({stem, static_cast<double>(least_)});
  }

  template <class Take>
  void pass_over_all(const std::set<std::string>& first, std::size_t wanted, Take&& take) {
    std::size_t number = 0;
    for (auto text : texts_) {
      if (number++ % asked_every == 0 && enough_ && enough_())
        return;
      each_word(text, [&](std::string_view word, std::size_t) {
        // A stem begins with the same letters as its word.
        auto letter = [](std::string_view of) { return static_cast<unsigned char>(of.front()); };
        auto full = first.size() == wanted;
        if ((full && letter(word) > letter(*first.rbegin())) || is_stop_word(word))
          return;
        auto stem = stem_of(word);
        if ((full && !(stem < *first.rbegin())) || first.contains(stem))
          return;
        auto found = index_.find(stem);
        std::uint64_t total = 0;
        while (found.next_text())
          total += found.count();
        if (total == least_)
          take(std::move(stem));
      });
    }
  }

  const bm25& index_;
  std::span<const std::string_view> texts_;
  std::size_t at_most_;
  const give_up& enough_;
  stem_hashes stems_;
  std::uint64_t least_ = 0;
  std::vector<entry> above_, ties_;
  std::vector<weighted_word> made_;
};

std::vector<bm25::weighted_word> bm25::common_words(std::span<const std::string_view> texts,
                                                    std::size_t at_most,
                                                    const give_up& enough) const {
  return common{*this, texts, at_most, enough}.run();
}

} // namespace troupe
