#pragma once

#include <string_view>
#include <vector>

namespace troupe {

/// Whether `model` is that of the name `named`, one of its dated versions ("gpt-4o-2024-08-06",
/// "gpt-4-0613") or its "-latest". "gpt-4o-mini" is no version of "gpt-4o".
bool is_version_of(std::string_view model, std::string_view named);

/// The one of `all` whose `model` is the longest name that `model` is a version of; null: none is.
template <class Named>
const Named* find_version(const std::vector<Named>& all, std::string_view model) {
  const Named* best = nullptr;
  for (const auto& one : all)
    if (is_version_of(model, one.model) && (!best || one.model.size() > best->model.size()))
      best = &one;
  return best;
}

} // namespace troupe
