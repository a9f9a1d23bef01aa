#pragma once

#include "actors/llm/safety/phrase_finder.hpp"
#include "actors/llm/safety/safety_finding.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe {

/// Phrases by which a document or a tool's result tries to command the model that reads it ("ignore
/// all previous instructions"), marks of chat templates ("<|im_start|>"), and letters that nobody
/// sees (the tags of Unicode). A list finds what is on it: who wants to hide can.
const phrase_finder& injection_phrases();

void find_injections(std::string_view text, safety_findings& into);
/// Where one may have begun that goes on behind the end of `text`; its size if none has.
std::size_t injections_open_from(std::string_view text);

/// `text` between two lines that say that it is data, whatever it says. `title` names it. Both
/// lines have a number that does not occur in the text, so that it cannot end itself.
std::string wrap_as_data(std::string_view title, std::string_view text);

} // namespace troupe
