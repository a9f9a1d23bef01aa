#include "actors/llm/characters.hpp"
#include "actors/llm/text.hpp"

#include <algorithm>

namespace troupe {

using namespace characters;

namespace {

/// A paragraph, or a part of one that is too long.
struct piece {
  std::size_t begin = 0, end = 0;
  bool leads = false; ///< a heading or the head of a list, which belongs to what follows
};

/// Short and without a full stop: a title. Or something that announces what follows.
bool leads_to_next(std::string_view text) {
  constexpr std::size_t heading_bytes_max = 100;
  text = trim(text);
  if (is_list_head(text))
    return true;
  constexpr std::string_view ends = ".?!;,";
  return text.size() <= heading_bytes_max && ends.find(text.back()) == std::string_view::npos;
}

class paragraphs {
public:
  paragraphs(std::string_view text, std::size_t bytes_max) : text_(text), bytes_max_(bytes_max) {}

  std::vector<piece> run() {
    for (std::size_t at = 0; at < text_.size();) {
      auto end = std::min(text_.find('\n', at), text_.size());
      if (trim(text_.substr(at, end - at)).empty()) {
        close();
      } else {
        if (!open_)
          begin_ = at;
        open_ = true;
        end_ = end;
      }
      at = end + 1;
    }
    close();
    return std::move(found_);
  }

private:
  void close() {
    if (!open_)
      return;
    open_ = false;
    while (end_ > begin_ && is_space(text_[end_ - 1]))
      --end_;
    while (begin_ < end_) {
      auto rest = text_.substr(begin_, end_ - begin_);
      auto size = cut_before(rest, bytes_max_);
      auto kept = rest.substr(0, size);
      while (!kept.empty() && is_space(kept.back()))
        kept.remove_suffix(1);
      if (!kept.empty())
        found_.push_back(
            {begin_, begin_ + kept.size(), size == rest.size() && leads_to_next(kept)});
      begin_ += size;
    }
  }

  std::string_view text_;
  std::size_t bytes_max_;
  std::vector<piece> found_;
  bool open_ = false;
  std::size_t begin_ = 0, end_ = 0;
};

/// Counts lines forward; asked with offsets that never go back.
class line_counter {
public:
  explicit line_counter(std::string_view text) : text_(text) {}

  std::uint32_t line_at(std::size_t offset) {
    line_ += static_cast<std::uint32_t>(
        std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                   text_.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
    at_ = offset;
    return line_;
  }

private:
  std::string_view text_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
};

} // namespace

std::vector<passage> cut_passages(std::string_view text, std::size_t bytes_aim) {
  bytes_aim = std::max<std::size_t>(bytes_aim, 16);
  auto pieces = paragraphs(text, bytes_aim * 3 / 2).run();
  std::vector<passage> passages;
  line_counter lines(text);
  std::size_t first = 0;
  auto close = [&](std::size_t behind) {
    auto begin = pieces[first].begin, end = pieces[behind - 1].end;
    auto first_line = lines.line_at(begin);
    passages.push_back({begin, end, first_line, lines.line_at(end)});
    first = behind;
  };
  for (std::size_t next = 0; next < pieces.size(); ++next) {
    if (next == first || pieces[next].end - pieces[first].begin <= bytes_aim)
      continue;
    auto behind = next;
    while (behind > first && pieces[behind - 1].leads
           && pieces[next].end - pieces[behind - 1].begin <= 2 * bytes_aim)
      --behind;
    if (behind > first)
      close(behind);
    else if (pieces[next].end - pieces[first].begin > 2 * bytes_aim)
      close(next);
  }
  if (first < pieces.size())
    close(pieces.size());
  return passages;
}

} // namespace troupe
