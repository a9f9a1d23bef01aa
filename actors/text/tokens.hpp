#pragma once

#include <cstdint>
#include <string_view>

namespace troupe {

/// Tokens as a provider without a tokenizer of its own counts them: a word or number is one token
/// for each 8 bytes begun, any other character that is not white space is one. For English prose
/// that is close to what byte-pair tokenizers count, but it is not the exact count of any of them.
std::uint64_t count_tokens(std::string_view text);

} // namespace troupe
