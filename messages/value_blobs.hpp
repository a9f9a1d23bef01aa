#pragma once

#include "config/limits/storage.hpp"
#include "messages/values.pb.h"

#include <cstddef>

namespace troupe {

/// Calls `each` with every blob that the value names, as far as `held_value_depth_max` levels deep:
/// no link brings a deeper value. `each` returns false if it has seen enough; then so does this.
template <class Each>
bool each_blob(const Value& in, Each&& each, std::size_t depth = limits::held_value_depth_max) {
  if (depth == 0)
    return true;
  if (in.has_blob() && !each(in.blob()))
    return false;
  for (const auto& item : in.list().items())
    if (!each_blob(item, each, depth - 1))
      return false;
  for (const auto& [key, field] : in.map().fields())
    if (!each_blob(field, each, depth - 1))
      return false;
  return true;
}

/// The same, of the inputs of a run: a map of values by name.
template <class Inputs, class Each>
bool each_blob_of(const Inputs& inputs, Each&& each) {
  for (const auto& [key, value] : inputs)
    if (!each_blob(value, each))
      return false;
  return true;
}

/// `change` may change each blob that the value names.
template <class Change>
void change_blobs(Value& in, Change&& change, std::size_t depth = limits::held_value_depth_max) {
  if (depth == 0)
    return;
  if (in.has_blob())
    change(*in.mutable_blob());
  if (in.has_list())
    for (auto& item : *in.mutable_list()->mutable_items())
      change_blobs(item, change, depth - 1);
  if (in.has_map())
    for (auto& [key, field] : *in.mutable_map()->mutable_fields())
      change_blobs(field, change, depth - 1);
}

} // namespace troupe
