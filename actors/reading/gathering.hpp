#pragma once

#include "actors/reading/document.hpp"
#include "messages/errors.hpp"
#include "messages/reading.pb.h"

#include <cstddef>
#include <string_view>

/// The four kinds of work that service::reading does (messages/reading.proto), as functions of
/// documents and words. They may take seconds; they run on the threads of a pool.
namespace troupe {

DocumentRead read_document(const document& from, std::string_view called, std::string_view question,
                           const give_up& enough = {});

/// If an answer has more than `limits::model_quotes_max` quotations, the rest count as unverified.
QuotesFound find_quotes(const document& from, std::string_view called, std::string_view answer);

/// Takes in texts and documents, one after the other, and keeps the parts nearest to the question,
/// at most `limits::gathered_bytes_max` at any time.
class gathering {
public:
  explicit gathering(std::string question) : question_(std::move(question)) {}

  void add(std::string_view called, std::string_view told);
  void add(std::string_view called, const document& from);
  void add_unread(std::string_view called, const failure& why);
  /// How many it has looked at.
  std::size_t passages() const noexcept { return passages_; }
  /// As much as a prompt can hold. Call it once, at the end.
  ExcerptsGathered finish();

private:
  void thin_out();

  std::string question_;
  std::size_t seen_ = 0; ///< of `kept_`, whose bytes are counted
  std::size_t bytes_ = 0;
  std::size_t passages_ = 0;
  google::protobuf::RepeatedPtrField<Excerpt> kept_;
  ExcerptsGathered made_;
};

ReadingsEdited edit_readings(EditReadings asked);

} // namespace troupe
