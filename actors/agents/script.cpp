#include "actors/agents/script.hpp"

#include "config/limits/work.hpp"
#include "messages/models.pb.h"

namespace troupe {

std::optional<failure> too_long(std::string_view what, std::size_t bytes) {
  if (bytes <= limits::prompt_text_bytes_max)
    return std::nullopt;
  return failure{ec::too_large, std::string{what} + " has " + std::to_string(bytes)
                                    + " bytes, and at most "
                                    + std::to_string(limits::prompt_text_bytes_max)
                                    + " fit into a prompt: give it as a document"};
}

result<ModelRequest> script::say(std::string_view prompt_name, const values& with) const {
  ModelRequest call;
  call.set_model(model);
  if (output_tokens_max == 0) // who bounds it knows by the role that it is one
    call.set_role(role_name);
  call.set_max_output_tokens(output_tokens_max);
  call.set_purpose(std::string{prompt_name});
  call.set_unit(unit);
  call.set_task(task);
  bool is_fixed = true; // all that was said before
  for (auto [speaker, which] : {std::pair<const char*, std::string_view>{"system", "system"},
                                std::pair<const char*, std::string_view>{"user", prompt_name}}) {
    auto found = prompts.find(which);
    if (found == prompts.end())
      continue;
    auto filled = found->second.fill(with);
    if (!filled)
      return fail(ec::invalid_argument, "role " + role_name + ", prompt \"" + std::string{which}
                                            + "\": " + filled.error());
    auto message = call.add_messages();
    message->set_role(speaker);
    if (is_fixed)
      message->set_fixed_bytes(static_cast<std::uint32_t>(filled->fixed_bytes));
    is_fixed = is_fixed && filled->fixed_bytes == filled->text.size();
    message->set_content(std::move(filled->text));
  }
  return call;
}

} // namespace troupe
