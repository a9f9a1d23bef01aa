#pragma once

#include "messages/agents.pb.h"
#include "messages/envelope.hpp"
#include "messages/values.pb.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace troupe {

// What is wrong with a request to service::blobs; nothing if all is well.

/// Finds what cannot be a reference to any blob.
std::optional<failure> wrong_reference(const BlobRef& blob);
/// A reference that gives the wrong size for its blob: code that trusted it would count wrongly.
std::optional<failure> wrong_size(const BlobRef& blob, std::uint64_t is);

/// The blobs of a BlobPut or BlobPuts.
std::vector<const BlobPut*> puts_in(envelope& message);
std::optional<failure> wrong_puts(const std::vector<const BlobPut*>& puts);

} // namespace troupe
