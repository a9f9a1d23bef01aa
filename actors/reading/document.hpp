#pragma once

#include "actors/text/bm25.hpp"
#include "actors/text/text.hpp"
#include "messages/reading.pb.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// A document that has been read: its text, its passages, and, if it is longer than a prompt, an
/// index of its words. It does not change, so several threads may read it. Its bytes identify it;
/// each question gives its name.
///
/// While being made it takes at most `limits::reading_memory_factor` times its size; afterwards
/// `memory()`.
class document {
public:
  /// When `enough` says so, making it ends early, and the result is useless.
  explicit document(std::string bytes, const give_up& enough = {});

  bool is_text() const noexcept { return is_text_; }
  /// Why there is nothing to read in it; empty if there is something to read.
  const std::string& not_read() const noexcept { return not_read_; }
  std::uint64_t size_bytes() const noexcept { return size_bytes_; }
  std::uint32_t lines() const noexcept { return lines_; }
  std::size_t passages() const noexcept { return passages_.size(); }
  std::string_view text() const noexcept { return text_; }
  std::size_t memory() const noexcept;

  /// What it is about: the beginning, and the passages that have most in common with the whole.
  void central(std::string_view called, google::protobuf::RepeatedPtrField<Excerpt>& into,
               const give_up& enough = {}) const;
  /// The passages that are nearest to `question`, as many as a prompt can hold.
  void answering(std::string_view called, std::string_view question,
                 google::protobuf::RepeatedPtrField<Excerpt>& into) const;

  /// Where `quote` is: in the passage with the label `source` if it is there, otherwise at its
  /// first place.
  std::optional<quote_place> find(std::string_view called, std::string_view source,
                                  std::string_view quote) const;

private:
  std::vector<std::string_view> texts() const;
  std::vector<std::size_t> sizes(std::string_view called) const;
  void take(std::string_view called, const std::vector<std::size_t>& chosen,
            google::protobuf::RepeatedPtrField<Excerpt>& into) const;
  std::string label(std::string_view called, const passage& part) const;

  bool is_text_ = false;
  std::string not_read_;
  std::uint64_t size_bytes_ = 0;
  std::uint32_t lines_ = 0;
  std::string text_;
  std::vector<passage> passages_;
  std::optional<bm25> index_; ///< only if there is more than one prompt's worth of text
};

} // namespace troupe
