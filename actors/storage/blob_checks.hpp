#pragma once

#include "messages/agents.pb.h"
#include "messages/envelope.hpp"
#include "messages/values.pb.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace troupe {

// What is wrong with what service::blobs is asked; nothing if all is well.

/// What cannot be a reference of any blob.
std::optional<failure> wrong_reference(const BlobRef& blob);
/// A reference that says another size than the blob has: whoever believed it would count wrong.
std::optional<failure> wrong_size(const BlobRef& blob, std::uint64_t is);

/// Those of a BlobPut or BlobPuts.
std::vector<const BlobPut*> puts_in(envelope& message);
std::optional<failure> wrong_puts(const std::vector<const BlobPut*>& puts);

} // namespace troupe
