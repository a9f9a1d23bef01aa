#include "persistence/journal/journal_state.hpp"

#include "persistence/journal/journal_keys.hpp"

namespace troupe {

std::string encode(const journal_state& state) {
  std::string made;
  for (auto number : {state.format, state.token, state.writes, state.next_run})
    append_varint(made, number);
  return made;
}

std::optional<journal_state> decode_journal_state(std::string_view bytes) {
  journal_state made;
  for (auto* number : {&made.format, &made.token, &made.writes, &made.next_run}) {
    auto read = take_varint(bytes);
    if (!read)
      return std::nullopt;
    *number = *read;
  }
  if (made.format != 1 || !bytes.empty())
    return std::nullopt;
  return made;
}

} // namespace troupe
