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

ModelRequest script::say(std::string_view prompt_name, const values& with) const {
  ModelRequest call;
  call.set_model(model);
  call.set_max_output_tokens(output_tokens_max);
  call.set_purpose(std::string{prompt_name});
  call.set_unit(unit);
  auto add = [&](const char* speaker, std::string_view which) {
    auto found = prompts.find(which);
    if (found == prompts.end())
      return;
    auto message = call.add_messages();
    message->set_role(speaker);
    message->set_content(found->second.fill(with));
  };
  add("system", "system");
  add("user", prompt_name);
  return call;
}

} // namespace troupe
