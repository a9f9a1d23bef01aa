#include "actors/llm/caller_label.hpp"

namespace troupe {

std::string_view caller_label(const address& sender) {
  switch (sender.what) {
    case address::kind::agent: {
      auto text = sender.agent.text();
      auto mark = text.find_first_of("/#");
      return mark != std::string_view::npos && text[mark] == '#' ? text : role_of(sender.agent);
    }
    case address::kind::service:
      return to_string(sender.svc);
    case address::kind::session:
      return "client";
    case address::kind::none:
      return "none";
  }
  return "none";
}

} // namespace troupe
