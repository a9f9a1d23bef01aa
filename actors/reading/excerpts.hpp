#pragma once

#include "messages/reading.pb.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The passages of documents that a prompt shows, and the way back to them from a model's answer.
namespace troupe {

using excerpts = google::protobuf::RepeatedPtrField<Excerpt>;

Excerpt excerpt_of(std::string source, std::string text);

/// "GPL-3 lines 10-24", on one line and without quotation marks, because it is used in an
/// attribute.
std::string source_label(std::string_view document, std::uint32_t first_line,
                         std::uint32_t last_line);

/// The text in `bytes` as valid UTF-8 (other bytes are taken as Latin-1); nothing if it is binary.
std::optional<std::string> readable_text(std::string bytes);

/// The number of lines that an editor would show.
std::uint32_t count_lines(std::string_view text);

/// Which parts to take, given their sizes, so that together they fit into `bytes_max`: the best
/// score first; of equal scores, the earlier part. The result is in the order of the parts.
std::vector<std::size_t> best_scored(std::span<const std::size_t> sizes,
                                     std::span<const double> scores, std::size_t bytes_max);

/// As above by BM25 for `question`; all of them if they fit.
std::vector<std::size_t> best_of(std::span<const std::size_t> sizes,
                                 std::span<const std::string_view> texts, std::string_view question,
                                 std::size_t bytes_max);

/// The best of `from` for `question` by BM25 that together fit into `bytes_max`, in their order.
/// All of them if they fit.
excerpts best_excerpts(excerpts from, std::string_view question, std::size_t bytes_max);

/// As they appear in a prompt.
std::string show_passages(const excerpts& shown);

/// What a prompt asks a model to reply if the passages hold no answer.
inline constexpr std::string_view no_answer_reply = "NO ANSWER";

/// Whether a model said that the passages hold no answer.
bool says_no_answer(std::string_view answer);

/// Whether `quote` is verbatim (white space folded) in one of `shown`.
bool stands_in(const excerpts& shown, std::string_view quote);

/// "1,234 bytes" below 10 kB, then "35 kB", "1.2 MB".
std::string show_size(std::uint64_t bytes);

} // namespace troupe
