#include "actors/agents/prompt_template.hpp"

#include <algorithm>

namespace troupe {

namespace {

std::string_view trimmed(std::string_view text) {
  auto begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos)
    return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

bool is_variable_name(std::string_view text) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), allowed);
}

} // namespace

outcome<prompt_template, prompt_error> prompt_template::parse(std::string_view text) {
  prompt_template made;
  std::size_t fixed_begin = 0;
  for (auto open = text.find("{{"); open != std::string_view::npos;
       open = text.find("{{", fixed_begin)) {
    auto close = text.find("}}", open);
    if (close == std::string_view::npos)
      return unexpected{prompt_error{open, "\"{{\" is not closed by \"}}\""}};
    auto called = trimmed(text.substr(open + 2, close - open - 2));
    if (!is_variable_name(called))
      return unexpected{prompt_error{
          open, "a variable is written {{name}} with lower-case letters, digits and _, not \""
                    + std::string{text.substr(open, close + 2 - open)} + "\""}};
    made.fixed_.emplace_back(text.substr(fixed_begin, open - fixed_begin));
    made.variables_.push_back({std::string{called}, open});
    fixed_begin = close + 2;
  }
  made.fixed_.emplace_back(text.substr(fixed_begin));
  return made;
}

bool prompt_template::uses(std::string_view variable_name) const {
  return std::any_of(variables_.begin(), variables_.end(),
                     [&](const variable& v) { return v.called == variable_name; });
}

std::string
prompt_template::fill(const std::map<std::string, std::string, std::less<>>& values) const {
  std::string filled;
  for (std::size_t i = 0; i < fixed_.size(); ++i) {
    filled += fixed_[i];
    if (i == variables_.size())
      break;
    if (auto value = values.find(variables_[i].called); value != values.end())
      filled += value->second;
  }
  return filled;
}

} // namespace troupe
