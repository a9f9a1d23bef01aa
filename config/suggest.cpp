#include "config/suggest.hpp"

#include <algorithm>
#include <vector>

namespace troupe {

namespace {

/// Edits that turn `a` into `b`: insert, delete, replace, swap neighbours (Damerau, optimal string
/// alignment), three rows at a time.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

constexpr std::size_t word_bytes_max = 64; // longer words are not misspellings, and cost time

} // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.size() > word_bytes_max)
    return {};
  std::string_view best;
  auto least = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (auto candidate : candidates) {
    auto edits = distance(word, candidate);
    if (edits < least && edits < candidate.size()) {
      least = edits;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  auto best = nearest(word, candidates);
  return best.empty() ? std::string{} : " (did you mean " + std::string(best) + "?)";
}

std::string listed(std::span<const std::string_view> names) {
  std::string text;
  for (auto one : names)
    text += (text.empty() ? "" : ", ") + std::string{one};
  return text;
}

} // namespace troupe
