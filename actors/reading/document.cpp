#include "actors/reading/document.hpp"

#include "actors/reading/excerpts.hpp"
#include "config/limits/work.hpp"

#include <algorithm>
#include <numeric>

namespace troupe {

document::document(std::string bytes, const give_up& enough) : size_bytes_(bytes.size()) {
  auto text = readable_text(std::move(bytes));
  if (!text) {
    not_read_ = "it is no text";
    return;
  }
  is_text_ = true;
  text_ = std::move(*text);
  lines_ = count_lines(text_);
  passages_ = cut_passages(text_, limits::passage_bytes_aim);
  passages_.shrink_to_fit();
  if (passages_.empty())
    not_read_ = "it is empty";
  // With labels, even shorter texts may be more than a summary's prompt can hold.
  else if (text_.size() > limits::summary_passages_bytes_max / 2)
    index_.emplace(texts(), enough);
}

std::size_t document::memory() const noexcept {
  return sizeof *this + not_read_.capacity() + text_.capacity()
         + passages_.capacity() * sizeof(passage) + (index_ ? index_->memory() : 0);
}

std::vector<std::string_view> document::texts() const {
  std::vector<std::string_view> made;
  made.reserve(passages_.size());
  for (const auto& part : passages_)
    made.push_back(std::string_view{text_}.substr(part.begin, part.end - part.begin));
  return made;
}

std::string document::label(std::string_view called, const passage& part) const {
  return source_label(called, part.first_line, part.last_line);
}

std::vector<std::size_t> document::sizes(std::string_view called) const {
  std::vector<std::size_t> made;
  made.reserve(passages_.size());
  for (const auto& part : passages_)
    made.push_back(part.end - part.begin + label(called, part).size());
  return made;
}

void document::take(std::string_view called, const std::vector<std::size_t>& chosen,
                    google::protobuf::RepeatedPtrField<Excerpt>& into) const {
  for (auto index : chosen) {
    const auto& part = passages_[index];
    into.Add(excerpt_of(label(called, part), text_.substr(part.begin, part.end - part.begin)));
  }
}

void document::central(std::string_view called, google::protobuf::RepeatedPtrField<Excerpt>& into,
                       const give_up& enough) const {
  constexpr auto bytes_max = limits::summary_passages_bytes_max;
  auto part_sizes = sizes(called);
  std::vector<double> scores(part_sizes.size());
  if (std::accumulate(part_sizes.begin(), part_sizes.end(), std::size_t{0}) > bytes_max) {
    scores = index_
                 ? index_->score(index_->common_words(texts(), limits::central_words_max, enough))
                 : scores;
    // The beginning says what a document is: it comes first and gets a third of the room.
    auto highest = *std::max_element(scores.begin(), scores.end());
    std::size_t beginning = 0;
    for (std::size_t i = 0; i < part_sizes.size() && beginning < bytes_max / 3; ++i) {
      beginning += part_sizes[i];
      scores[i] += highest + 1;
    }
  }
  take(called, best_scored(part_sizes, scores, bytes_max), into);
}

void document::answering(std::string_view called, std::string_view question,
                         google::protobuf::RepeatedPtrField<Excerpt>& into) const {
  constexpr auto bytes_max = limits::prompt_passages_bytes_max;
  auto part_sizes = sizes(called);
  std::vector<double> scores(part_sizes.size());
  if (index_ && std::accumulate(part_sizes.begin(), part_sizes.end(), std::size_t{0}) > bytes_max)
    scores = index_->score(question);
  take(called, best_scored(part_sizes, scores, bytes_max), into);
}

std::optional<quote_place> document::find(std::string_view called, std::string_view source,
                                          std::string_view quote) const {
  for (const auto& part : passages_) {
    if (source.empty() || label(called, part) != source)
      continue;
    auto inside = std::string_view{text_}.substr(part.begin, part.end - part.begin);
    if (auto found = locate_quote(inside, quote)) {
      auto before = part.first_line - 1;
      return quote_place{found->first_line + before, found->last_line + before,
                         found->begin + part.begin, found->end + part.begin};
    }
  }
  return locate_quote(text_, quote);
}

} // namespace troupe
