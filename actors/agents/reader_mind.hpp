#pragma once

#include "actors/agents/mind.hpp"
#include "actors/agents/script.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// Reads one document for one question. Input: {document: blob, question: text}. Asks a model for a
/// summary and for quotations that answer, and has each quotation found again in the document;
/// those not found there are dropped and counted. The document itself never comes here.
///
/// Output: {name, size_bytes, lines, summary, answers: [{quote, first_line, last_line, source}],
/// no_answer, unverified}, or {name, size_bytes, not_read: why} for a document that is not text or
/// is too large.
class reader_mind {
public:
  struct state {
    std::string called;
    BlobRef document;
    std::string question;
    std::uint64_t size_bytes = 0;
    std::uint32_t lines = 0;
    bool summarised = false;
    std::string summary;
    bool answered = false;
    QuotesFound answers;
  };

  explicit reader_mind(std::shared_ptr<const script> says) : script_(std::move(says)) {}

  std::pair<state, commands> decide(state&& now, mind_event happened) const;
  static std::string save(const state&) { return {}; }
  static bool load(state&, std::string_view bytes) { return bytes.empty(); }

private:
  enum asking : std::uint32_t { document = 1, summary = 2, answer = 3, quotes = 4 };

  commands received(state& now, const message_received& message) const;
  commands was_read(state& now, reading_answered reading) const;
  commands answered(state& now, model_answered model) const;
  static commands finished(state& now);

  std::shared_ptr<const script> script_;
};

} // namespace troupe
