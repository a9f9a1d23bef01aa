#pragma once

#include "config/limits/dialects.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// One event. The views hold until the next call of the reader's functions.
struct sse_event {
  std::string_view type; ///< "message" where the stream names none
  std::string_view data; ///< its lines, joined by LF
  std::string_view id;   ///< the last one that the stream named, in this event or before
};

/// Cuts a stream of bytes into the events of a `text/event-stream`, after the rules of WHATWG's
/// HTML ("Server-sent events": parsing and interpreting an event stream).
///
/// The bytes may be split anywhere: within a character, a line end, the byte order mark. An event
/// is given as soon as the first byte of its last line end is there. What the bytes say twice, such
/// as a line that came whole, is not copied.
///
/// It differs from the text in two points. Bytes that are no UTF-8 stay as they are: who reads the
/// data decides. And there is a limit: once the fields of an event, or any line alone, hold more
/// than `event_bytes_max` bytes, `too_large` is true, and there are no more events.
///
///     reader.give(bytes);
///     while (auto event = reader.next())
///       ...
class sse_reader {
public:
  explicit sse_reader(std::size_t event_bytes_max = limits::sse_event_bytes_max);

  /// `bytes` must stay valid until `next` has said that there is nothing more in them; only then
  /// others may be given.
  void give(std::string_view bytes);
  /// The next event. Nothing: it needs more bytes, and what is left of these was copied.
  std::optional<sse_event> next();

  bool too_large() const noexcept { return too_large_; }
  /// There are bytes of an event that has not ended. At the end of a stream they do not count.
  bool within_event() const noexcept;
  /// How long to wait before the stream is asked for again, if it said so.
  std::optional<std::chrono::milliseconds> retry() const noexcept { return retry_; }

private:
  void skip_mark();
  const char* line_end();
  std::optional<std::string_view> next_line();
  bool take(std::string_view line);
  void take_field(std::string_view field, std::string_view value);
  void add_data(std::string_view value);
  void keep_data();
  sse_event finish_event();
  void forget_event();

  std::size_t event_bytes_max_;
  std::string_view rest_;              ///< of the given bytes
  const char* line_feed_ = nullptr;    ///< the next LF in `rest_`, or its end; null: not looked for
  std::string line_;                   ///< a line that came in several parts
  bool line_is_whole_ = false;         ///< `line_` was given: the next line begins anew
  std::size_t mark_bytes_ = 0;         ///< of the byte order mark: as many have been seen
  bool begun_ = false;                 ///< the stream is behind its byte order mark
  bool after_carriage_return_ = false; ///< an LF that comes now belongs to the line before
  bool too_large_ = false;

  // The event that is being read.
  std::size_t event_bytes_ = 0;
  std::uint32_t data_lines_ = 0;
  std::string_view data_view_; ///< the data, while one line of the given bytes is all of it
  std::string data_;           ///< the data otherwise
  std::string type_;
  std::string id_; ///< lasts, and counts from the end of the event that named it
  std::string last_id_;
  bool id_is_new_ = false;
  bool given_ = false; ///< `next` has returned it
  std::optional<std::chrono::milliseconds> retry_;
};

} // namespace troupe
