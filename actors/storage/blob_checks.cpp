#include "actors/storage/blob_checks.hpp"

#include "actors/storage/blob_fetches.hpp"
#include "config/limits/storage.hpp"
#include "config/limits/work.hpp"

#include <string>

namespace troupe {

namespace {

constexpr std::size_t hash_bytes = 32;

} // namespace

std::optional<failure> wrong_reference(const BlobRef& blob) {
  if (blob.sha256().size() != hash_bytes)
    return failure{ec::invalid_argument,
                   "a blob's hash has 32 bytes, this one " + std::to_string(blob.sha256().size())};
  if (blob.size_bytes() > limits::document_bytes_max)
    return failure{ec::invalid_argument,
                   label_of(blob) + " is said to have " + std::to_string(blob.size_bytes())
                       + " bytes, at most " + std::to_string(limits::document_bytes_max)
                       + " are possible"};
  return std::nullopt;
}

std::optional<failure> wrong_size(const BlobRef& blob, std::uint64_t is) {
  if (blob.size_bytes() == is)
    return std::nullopt;
  return failure{ec::invalid_argument, label_of(blob) + " has " + std::to_string(is)
                                           + " bytes, not " + std::to_string(blob.size_bytes())
                                           + " as its reference says"};
}

std::vector<const BlobPut*> puts_in(envelope& message) {
  std::vector<const BlobPut*> puts;
  if (auto one = message.body.as<BlobPut>())
    puts.push_back(one);
  else if (auto many = message.body.as<BlobPuts>())
    for (const auto& put : many->blobs())
      puts.push_back(&put);
  return puts;
}

std::optional<failure> wrong_puts(const std::vector<const BlobPut*>& puts) {
  if (puts.size() > limits::blobs_per_message_max)
    return failure{ec::too_large, "at most " + std::to_string(limits::blobs_per_message_max)
                                      + " blobs are stored by one message, not "
                                      + std::to_string(puts.size())};
  for (auto put : puts)
    if (put->bytes().size() > limits::document_bytes_max)
      return failure{ec::too_large, (put->name().empty() ? "the blob" : put->name()) + " has "
                                        + std::to_string(put->bytes().size()) + " bytes, at most "
                                        + std::to_string(limits::document_bytes_max) + " are kept"};
  return std::nullopt;
}

} // namespace troupe
