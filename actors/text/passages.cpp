#include "actors/text/characters.hpp"
#include "actors/text/text.hpp"

#include <algorithm>

namespace troupe {

using namespace characters;

namespace {

/// A paragraph, or a part of one that is too long.
struct piece {
  std::size_t begin = 0, end = 0;
  bool leads = false; ///< a heading or the head of a list, which belongs to what follows
};

/// This many headings may follow each other ("Part I", "Chapter 1", "Scope"). More short lines are
/// a list, not headings: otherwise each would be kept with the next, and would in the end be a
/// passage of its own.
constexpr std::size_t heads_max = 8, list_min = 64;

/// Short and without a full stop: a title. Or something that announces what follows.
bool leads_to_next(std::string_view text) {
  constexpr std::size_t heading_bytes_max = 100;
  text = trim(text);
  if (is_list_head(text))
    return true;
  constexpr std::string_view ends = ".?!;,";
  return text.size() <= heading_bytes_max && ends.find(text.back()) == std::string_view::npos;
}

/// Gives the pieces of a text in order, one at a time, so a text of millions of short paragraphs is
/// not held as millions of pieces.
class paragraphs {
public:
  paragraphs(std::string_view text, std::size_t bytes_max) : text_(text), bytes_max_(bytes_max) {}

  template <class Take>
  void run(Take&& take) {
    for (std::size_t at = 0; at < text_.size();) {
      auto end = std::min(text_.find('\n', at), text_.size());
      if (trim(text_.substr(at, end - at)).empty()) {
        close(take);
      } else {
        if (!open_)
          begin_ = at;
        open_ = true;
        end_ = end;
      }
      at = end + 1;
    }
    close(take);
  }

private:
  template <class Take>
  void close(Take& take) {
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
        take(piece{begin_, begin_ + kept.size(), size == rest.size() && leads_to_next(kept)});
      begin_ += size;
    }
  }

  std::string_view text_;
  std::size_t bytes_max_;
  bool open_ = false;
  std::size_t begin_ = 0, end_ = 0;
};

/// Counts lines forward; the offsets it is asked for never go back.
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
  std::vector<piece> open; // of the passage that is being made
  std::vector<passage> passages;
  line_counter lines(text);
  auto close = [&](std::size_t behind) {
    auto begin = open.front().begin, end = open[behind - 1].end;
    auto first_line = lines.line_at(begin);
    passages.push_back({begin, end, first_line, lines.line_at(end)});
    open.erase(open.begin(), open.begin() + static_cast<std::ptrdiff_t>(behind));
  };
  paragraphs(text, bytes_aim * 3 / 2).run([&](const piece& next) {
    if (!open.empty() && next.end - open.front().begin > bytes_aim) {
      auto behind = open.size();
      while (behind > 0 && open[behind - 1].leads && open.size() - behind <= list_min
             && next.end - open[behind - 1].begin <= 2 * bytes_aim)
        --behind;
      auto left = behind > 0 ? open[behind - 1].end - open.front().begin : bytes_aim;
      auto heads = open.size() - behind;
      if (heads > list_min || (heads > heads_max && left < bytes_aim / 4))
        behind = open.size();
      if (behind > 0)
        close(behind);
      else if (next.end - open.front().begin > 2 * bytes_aim)
        close(open.size());
    }
    open.push_back(next);
  });
  if (!open.empty())
    close(open.size());
  return passages;
}

} // namespace troupe
