#pragma once

#include "actors/agents/mind.hpp"
#include "messages/values.pb.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// From documents to the passages of a prompt, and from a model's answer back to places in them.
namespace troupe {

/// A part of a document as a model is shown it. `source` is what the model cites.
struct excerpt {
  std::string source;
  std::string text;
};

/// "GPL-3 lines 10-24", on one line and without quotation marks: it stands in an attribute.
std::string source_label(std::string_view document, std::uint32_t first_line,
                         std::uint32_t last_line);

/// The text in `bytes` as valid UTF-8 (what is not is taken as Latin-1); nothing if it is binary.
std::optional<std::string> readable_text(std::string bytes);

/// As many lines as an editor would show.
std::uint32_t count_lines(std::string_view text);

/// `<passage source="...">` blocks, one after the other.
std::string show_passages(std::span<const excerpt> shown);

/// The best of `from` for `question` by BM25 that fit into `bytes_max` together, in their order.
/// All of them if they fit.
std::vector<excerpt> best_excerpts(std::vector<excerpt> from, std::string_view question,
                                   std::size_t bytes_max);

/// The passages of a document.
std::vector<excerpt> cut_document(std::string_view document, std::string_view text);

/// What a summary is made of: the beginning and the passages that share most with the whole.
std::vector<excerpt> central_excerpts(std::vector<excerpt> from, std::size_t bytes_max);

/// What a prompt asks a model to reply when the passages hold no answer.
inline constexpr std::string_view no_answer_reply = "NO ANSWER";

/// Whether a model said that the passages hold no answer.
bool says_no_answer(std::string_view answer);

/// The excerpt in which `quote` stands verbatim (white space folded), the one called `source`
/// first; nothing if it stands in none.
const excerpt* excerpt_with(std::span<const excerpt> shown, std::string_view source,
                            std::string_view quote);

/// "1,234 bytes" below 10 kB, then "35 kB", "1.2 MB".
std::string show_size(std::uint64_t bytes);

/// Fetches documents, a few at a time, and keeps of each what matters for a question. Part of the
/// state of minds that read.
class gathering {
public:
  gathering() = default;
  gathering(std::string question, std::vector<BlobRef> documents)
      : question_(std::move(question)), documents_(std::move(documents)),
        kept_(documents_.size() + 1) {}

  /// A text that need not be fetched.
  void add(excerpt told) { kept_.front().push_back(std::move(told)); }

  /// The first fetches; none if there is nothing to fetch.
  commands begin();
  /// Takes one in; the next fetches.
  commands take(blob_fetched fetched);
  bool done() const noexcept { return taken_ == documents_.size(); }

  /// What a prompt can hold. To be called once, when it is done.
  std::vector<excerpt> best();

  struct unread_document {
    std::string called;
    failure why;
  };
  const std::vector<unread_document>& unread() const noexcept { return unread_; }
  std::size_t documents() const noexcept { return documents_.size(); }

private:
  command fetch_next();
  std::vector<excerpt> all();
  void thin_out();

  std::string question_;
  std::vector<BlobRef> documents_;
  std::size_t asked_ = 0;
  std::size_t taken_ = 0;
  std::size_t kept_bytes_ = 0;
  /// First what was told, then by document: the order does not depend on who answers first.
  std::vector<std::vector<excerpt>> kept_{1};
  std::vector<unread_document> unread_;
};

} // namespace troupe
