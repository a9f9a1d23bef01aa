#include "actors/agents/script.hpp"

#include "messages/models.pb.h"

namespace troupe {

ModelRequest script::say(std::string_view prompt_name, const values& with) const {
  ModelRequest call;
  call.set_model(model);
  call.set_max_output_tokens(output_tokens_max);
  call.set_purpose(std::string{prompt_name});
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
