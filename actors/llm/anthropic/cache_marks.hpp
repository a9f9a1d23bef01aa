#pragma once

#include <vector>

namespace troupe {

class ModelRequest;

/// Up to where the API shall keep what it has made of a request (`cache_control`), so that the next
/// one with the same beginning costs a tenth of it: the messages, by index, whose fixed part ends
/// with a mark. The API takes four marks in all; those of the asker count first, and of ours the
/// last ones stay. Beginnings that are too short to be kept get none.
std::vector<int> cache_marks(const ModelRequest& what);

} // namespace troupe
