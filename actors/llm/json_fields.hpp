#pragma once

#include "actors/llm/json_text.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// Reads fields of an object. Absent and null are the same. A field of another type than asked for
/// counts as absent, and `wrong` names the first one.
class json_fields {
public:
  json_fields(const json_value& object, std::string& wrong) : object_(object), wrong_(wrong) {}

  std::string_view text(const char* name) const;
  std::uint64_t count(const char* name) const;
  /// Null: absent.
  const json_value* object(const char* name) const;
  const json_value* list(const char* name) const;
  const json_value* any(const char* name) const;

private:
  void complain(const char* name, const char* wanted) const;

  const json_value& object_;
  std::string& wrong_;
};

} // namespace troupe
