#include "messages/durability.hpp"

namespace troupe {

std::string_view to_string(Durability durability) noexcept {
  switch (durability) {
    case DURABILITY_SYNC:
      return "sync";
    case DURABILITY_ASYNC:
      return "async";
    case DURABILITY_OFF:
      return "off";
    default:
      return "default";
  }
}

std::optional<Durability> durability_named(std::string_view word) noexcept {
  for (auto one : {DURABILITY_SYNC, DURABILITY_ASYNC, DURABILITY_OFF})
    if (word == to_string(one))
      return one;
  return std::nullopt;
}

bool is_durable(Durability durability) noexcept {
  return durability == DURABILITY_SYNC || durability == DURABILITY_ASYNC;
}

} // namespace troupe
