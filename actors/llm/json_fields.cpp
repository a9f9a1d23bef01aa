#include "actors/llm/json_fields.hpp"

#include <nlohmann/json.hpp>

namespace troupe {

void json_fields::complain(const char* name, const char* wanted) const {
  if (wrong_.empty())
    wrong_ = std::string{"`"} + name + "` is no " + wanted;
}

const json_value* json_fields::any(const char* name) const {
  auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::string_view json_fields::text(const char* name) const {
  auto found = any(name);
  if (!found)
    return {};
  if (auto text = found->get_ptr<const std::string*>())
    return *text;
  complain(name, "text");
  return {};
}

std::uint64_t json_fields::count(const char* name) const {
  auto found = any(name);
  if (!found)
    return 0;
  if (auto number = found->get_ptr<const json_value::number_unsigned_t*>())
    return *number;
  complain(name, "count");
  return 0;
}

const json_value* json_fields::object(const char* name) const {
  auto found = any(name);
  if (found && !found->is_object()) {
    complain(name, "object");
    return nullptr;
  }
  return found;
}

const json_value* json_fields::list(const char* name) const {
  auto found = any(name);
  if (found && !found->is_array()) {
    complain(name, "list");
    return nullptr;
  }
  return found;
}

} // namespace troupe
