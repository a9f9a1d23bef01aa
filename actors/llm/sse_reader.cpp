#include "actors/llm/sse_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace troupe {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

const char* find_byte(const char* begin, const char* end, char wanted) {
  auto found = std::memchr(begin, wanted, static_cast<std::size_t>(end - begin));
  return found ? static_cast<const char*>(found) : end;
}

} // namespace

sse_reader::sse_reader(std::size_t event_bytes_max) : event_bytes_max_(event_bytes_max) {}

void sse_reader::give(std::string_view bytes) {
  rest_ = bytes;
  line_feed_ = nullptr;
}

std::optional<sse_event> sse_reader::next() {
  if (given_)
    forget_event();
  skip_mark();
  while (!too_large_) {
    auto line = next_line();
    if (!line) {
      keep_data();
      return std::nullopt;
    }
    if (take(*line))
      return finish_event();
  }
  rest_ = {};
  return std::nullopt;
}

bool sse_reader::within_event() const noexcept {
  return (!given_ && event_bytes_ > 0) || (!line_is_whole_ && !line_.empty());
}

void sse_reader::skip_mark() {
  while (!begun_ && !rest_.empty()) {
    if (rest_.front() == byte_order_mark[mark_bytes_]) {
      rest_.remove_prefix(1);
      begun_ = ++mark_bytes_ == byte_order_mark.size();
    } else { // it was none: its bytes belong to the first line
      line_ = byte_order_mark.substr(0, mark_bytes_);
      begun_ = true;
    }
  }
}

/// The first CR or LF of `rest_`, or its end. Each byte is looked at once for either.
const char* sse_reader::line_end() {
  auto begin = rest_.data();
  if (!line_feed_ || line_feed_ < begin)
    line_feed_ = find_byte(begin, begin + rest_.size(), '\n');
  return find_byte(begin, line_feed_, '\r');
}

/// The next line that is whole, without its end. Otherwise what there is of it is kept.
std::optional<std::string_view> sse_reader::next_line() {
  if (line_is_whole_) {
    line_.clear();
    line_is_whole_ = false;
  }
  if (after_carriage_return_ && !rest_.empty()) {
    if (rest_.front() == '\n')
      rest_.remove_prefix(1);
    after_carriage_return_ = false;
  }
  if (rest_.empty())
    return std::nullopt;
  auto size = static_cast<std::size_t>(line_end() - rest_.data());
  auto line = rest_.substr(0, size);
  bool is_whole = size < rest_.size();
  if (line_.size() + size > event_bytes_max_) { // whichever way it came, and whatever it says
    too_large_ = true;
    return std::nullopt;
  }
  if (is_whole && line_.empty()) {
    after_carriage_return_ = rest_[size] == '\r';
    rest_.remove_prefix(size + 1);
    return line;
  }
  line_.append(line);
  after_carriage_return_ = is_whole && rest_[size] == '\r';
  rest_.remove_prefix(is_whole ? size + 1 : size);
  if (!is_whole)
    return std::nullopt;
  line_is_whole_ = true;
  return line_;
}

/// True when the line ends an event that has data.
bool sse_reader::take(std::string_view line) {
  if (line.empty()) {
    if (id_is_new_)
      last_id_ = id_;
    id_is_new_ = false;
    if (data_lines_ > 0)
      return true;
    forget_event();
    return false;
  }
  auto colon = line.find(':');
  if (colon == 0) // a comment
    return false;
  auto value = colon == line.npos ? std::string_view{} : line.substr(colon + 1);
  if (value.starts_with(' '))
    value.remove_prefix(1);
  take_field(line.substr(0, colon), value);
  return false;
}

void sse_reader::take_field(std::string_view field, std::string_view value) {
  constexpr std::size_t line_end_bytes = 1; // of a line of data without text: those are bounded too
  bool is_data = field == "data", is_type = field == "event", is_id = field == "id";
  if (is_data || is_type || is_id) {
    event_bytes_ += value.size() + line_end_bytes;
    too_large_ = event_bytes_ > event_bytes_max_;
    if (too_large_)
      return;
  }
  if (is_data) {
    add_data(value);
  } else if (is_type) {
    type_ = value;
  } else if (is_id && value.find('\0') == value.npos) {
    id_ = value;
    id_is_new_ = true;
  } else if (field == "retry") {
    std::uint32_t ms = 0;
    auto end = value.data() + value.size();
    if (auto read = std::from_chars(value.data(), end, ms);
        read.ec == std::errc{} && read.ptr == end)
      retry_ = std::chrono::milliseconds{ms};
  }
}

void sse_reader::add_data(std::string_view value) {
  if (data_lines_++ == 0 && !line_is_whole_) {
    data_view_ = value;
    return;
  }
  if (data_lines_ == 1) {
    data_ = value;
    return;
  }
  keep_data();
  data_ += '\n';
  data_ += value;
}

/// The given bytes will be gone, or are not all of the data.
void sse_reader::keep_data() {
  if (data_view_.data())
    data_ = data_view_;
  data_view_ = {};
}

sse_event sse_reader::finish_event() {
  given_ = true;
  std::string_view type = type_.empty() ? std::string_view{"message"} : type_;
  return {type, data_view_.data() ? data_view_ : data_, last_id_};
}

void sse_reader::forget_event() {
  given_ = false;
  event_bytes_ = 0;
  data_lines_ = 0;
  data_view_ = {};
  data_.clear();
  type_.clear();
}

} // namespace troupe
