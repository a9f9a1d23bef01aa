#pragma once

#include "actors/llm/safety/safety_finding.hpp"

#include <cstddef>
#include <string_view>

namespace troupe {

/// Adds the addresses of people in `text`: name@domain.tld. Those of the domains that RFC 2606
/// keeps for examples are none.
void find_emails(std::string_view text, safety_findings& into);

/// Adds the numbers of payment cards: 13 to 19 digits in one piece, or in groups as they are
/// printed, of a length and beginning that one of the networks uses, with a right check digit
/// (Luhn, ISO/IEC 7812-1).
void find_cards(std::string_view text, safety_findings& into);

/// Adds international bank account numbers: of their country's length, in one piece or in groups of
/// four, with the right checksum (ISO 13616, ISO/IEC 7064 MOD 97-10).
void find_ibans(std::string_view text, safety_findings& into);

/// Where one of those may have begun that goes on behind the end of `text`; its size if none has.
/// Within a word it may begin earlier.
std::size_t personal_data_open_from(std::string_view text);

} // namespace troupe
