#include "actors/agents/minds.hpp"

#include "actors/agents/chat_mind.hpp"
#include "actors/agents/editor_mind.hpp"
#include "actors/agents/librarian_mind.hpp"
#include "actors/agents/reader_mind.hpp"
#include "actors/agents/simple_minds.hpp"

namespace troupe {

namespace {

template <class M>
std::unique_ptr<mind> with_script(const std::shared_ptr<const script>& says) {
  return make_mind<M>(says);
}

template <class M>
std::unique_ptr<mind> without_script(const std::shared_ptr<const script>&) {
  return make_mind<M>();
}

mind_kind chat_kind() {
  mind_kind kind;
  kind.called = "chat";
  kind.prompts = {{"answer", {}, {"text", "question", "passages"}}};
  kind.more_prompts = kind.uses_fields = kind.talks = kind.works = kind.converses = true;
  kind.make = with_script<chat_mind>;
  return kind;
}

mind_kind reader_kind() {
  mind_kind kind;
  kind.called = "reader";
  kind.prompts = {{"summary", {"passages"}, {"name"}},
                  {"answer", {"passages", "question"}, {"name"}}};
  kind.works = true;
  kind.make = with_script<reader_mind>;
  return kind;
}

mind_kind editor_kind() {
  mind_kind kind;
  kind.called = "editor";
  kind.prompts = {{"best", {"passages", "question"}, {}}};
  kind.works = true;
  kind.make = with_script<editor_mind>;
  return kind;
}

mind_kind librarian_kind() {
  mind_kind kind;
  kind.called = "librarian";
  kind.prompts = {{"answer", {"passages", "question"}, {}}};
  kind.talks = kind.remembers = true;
  kind.make = with_script<librarian_mind>;
  return kind;
}

mind_kind echo_kind() {
  mind_kind kind;
  kind.called = "echo";
  kind.talks = kind.works = kind.cheap = true;
  kind.make = without_script<echo_mind>;
  return kind;
}

mind_kind noop_kind() {
  mind_kind kind;
  kind.called = "noop";
  kind.works = kind.cheap = true;
  kind.reads_input = false;
  kind.make = without_script<noop_mind>;
  return kind;
}

} // namespace

const std::vector<mind_kind>& mind_kinds() {
  static const std::vector<mind_kind> kinds{chat_kind(),      reader_kind(), editor_kind(),
                                            librarian_kind(), echo_kind(),   noop_kind()};
  return kinds;
}

} // namespace troupe
