#pragma once

#include "actors/agents/role.hpp"

#include <memory>
#include <utility>

namespace troupe::bench {

/// The role `decides`, whose minds do not answer at once: their messages go the way of all agents
/// that may have to wait, and their tasks go through queue and slot.
inline std::shared_ptr<const role> deciding_role() {
  struct deciding_mind {
    struct state {};
    std::pair<state, commands> decide(state&& kept, const mind_event& happened) const {
      commands todo;
      if (std::holds_alternative<message_received>(happened)) {
        reply_with back;
        back.reply.set_text("done");
        todo.emplace_back(std::move(back));
      }
      return {kept, std::move(todo)};
    }
    static std::string save(const state&) { return {}; }
    static bool load(state&, std::string_view bytes) { return bytes.empty(); }
  };
  role made;
  made.info.set_name("decides");
  made.info.set_description("Decides and answers. For measurements");
  made.info.set_for_tasks(true);
  made.info.set_for_talk(true);
  made.mind = "decides";
  made.remembers = false;
  made.make = [] { return make_mind<deciding_mind>(); };
  return std::make_shared<const role>(std::move(made));
}

} // namespace troupe::bench
