#include "actors/agents/chat_mind.hpp"
#include "actors/agents/librarian_mind.hpp"
#include "actors/agents/minds.hpp"
#include "actors/agents/step_history.hpp"
#include "tests/unit/agents/minds_testing.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// What the minds of each version asked, and the states that they have written.
///
/// A hash below changes if a mind asks something else when it hears the same, or asks it in another
/// order. Then the `version` of its kind (minds.cpp) is raised, so that tasks with steps of the
/// earlier one wait for it, and the new hash is noted for the new version.
namespace troupe {
namespace {

using namespace troupe::tests;

/// Takes a task through its mind, answering each question with a quotation. The hashes of what it
/// asks, in order.
std::uint64_t asked_by(std::string_view role_name, message_received task,
                       const std::map<std::string, std::string>& documents = {}) {
  reading_mind subject{role_name};
  for (const auto& [hash, bytes] : documents)
    subject.documents.keep(hash, bytes);
  std::uint64_t all = 0;
  std::vector<ask_model> open;
  auto take = [&](const commands& todo) {
    for (const auto& one : todo)
      if (auto ask = std::get_if<ask_model>(&one)) {
        all = all * 31 + step_history::hash_of(payload_kind::ModelRequest, ask->call);
        open.push_back(*ask);
      }
  };
  take(subject.decide(std::move(task)));
  for (std::size_t next = 0; next < open.size(); ++next)
    take(subject.decide(
        answer_of(open[next].request, "> You must give the source.\nSource: TERMS lines 1-3\n")));
  EXPECT_FALSE(open.empty());
  return all;
}

const std::string licence = "The Licence\n\nYou may copy it.\nYou must give the source.\n";

message_received chat_task() {
  ValueMap input;
  set_field(input, "text", value_of("What must I give?"));
  set_field(input, "question", value_of("What must I give?"));
  return task_with(std::move(input));
}

message_received reader_task() {
  ValueMap input;
  set_field(input, "document", value_of_blob(blob_named("TERMS", "h1", licence.size())));
  set_field(input, "question", value_of("What must I give?"));
  return task_with(std::move(input));
}

message_received editor_task() {
  ValueMap answer, reading, input;
  set_field(answer, "quote", value_of("You must give the source."));
  set_field(answer, "first_line", value_of(std::int64_t{4}));
  set_field(answer, "last_line", value_of(std::int64_t{4}));
  set_field(reading, "name", value_of("TERMS"));
  set_field(reading, "size_bytes", value_of(std::int64_t{60}));
  set_field(reading, "lines", value_of(std::int64_t{4}));
  set_field(reading, "summary", value_of("A licence."));
  set_field(reading, "answers", value_of(std::vector<Value>{value_of(std::move(answer))}));
  set_field(reading, "unverified", value_of(std::int64_t{0}));
  set_field(input, "question", value_of("What must I give?"));
  set_field(input, "readings", value_of(std::vector<Value>{value_of(std::move(reading))}));
  set_field(input, "skipped", value_of(std::vector<Value>{}));
  return task_with(std::move(input));
}

struct asked_then {
  std::string_view mind;
  std::uint32_t version;
  std::uint64_t asked;
};

/// The built-in roles' prompts are part of what is asked: an edited prompt is no new version, only
/// another hash.
const std::vector<asked_then> asked_before{
    {"chat", 1, 0x7bcab481f0f11962u},
    {"reader", 1, 0x8b25aa89ee6f99c7u},
    {"editor", 1, 0x41a2f42da3b476b9u},
};

TEST(mind_versions, ask_what_minds_of_this_version_have_asked_before) {
  std::map<std::string_view, std::uint64_t> now{
      {"chat", asked_by("assistant", chat_task())},
      {"reader", asked_by("reader", reader_task(), {{"h1", licence}})},
      {"editor", asked_by("editor", editor_task())}};
  for (const auto& kind : mind_kinds()) {
    if (!kind.works || kind.prompts.empty())
      continue;
    auto noted = std::find_if(asked_before.begin(), asked_before.end(), [&](const auto& one) {
      return one.mind == kind.called && one.version == kind.version;
    });
    ASSERT_NE(noted, asked_before.end())
        << "what version " << kind.version << " of the mind " << kind.called << " asks";
    EXPECT_EQ(now.at(kind.called), noted->asked)
        << "the mind " << kind.called
        << " asks otherwise than before: raise its version in minds.cpp, unless only the prompt of "
           "its built-in role was edited";
  }
}

/// As it stands on the disk of an agent, written by the first version.
constexpr std::string_view chat_state = "\012#\012\021Where is the key?\022\016Under the mat.";
constexpr std::string_view librarian_state =
    "\012\026\012\005TERMS\022\015\012\002h1\020<\032\005TERMS\012/\012\023what I was "
    "told (1)\032\030the key is under the mat";

/// As it stands there, and with a field of a later version: number 99.
std::vector<std::string> states(std::string_view written) {
  return {std::string{written}, std::string{written} + "\232\006\003foo"};
}

TEST(mind_versions, keep_the_conversation_that_another_version_has_written) {
  for (const auto& state : states(chat_state)) {
    chat_mind::state now;
    ASSERT_TRUE(chat_mind::load(now, state));
    ASSERT_EQ(now.told.turns_size(), 1);
    EXPECT_EQ(now.told.turns(0).said(), "Where is the key?");
    EXPECT_EQ(now.told.turns(0).answered(), "Under the mat.");
    EXPECT_EQ(chat_mind::save(now), state) << "nothing is lost";
  }
}

TEST(mind_versions, keep_the_memory_that_another_version_has_written) {
  for (const auto& state : states(librarian_state)) {
    librarian_mind::state now;
    ASSERT_TRUE(librarian_mind::load(now, state));
    ASSERT_EQ(now.told.sources_size(), 2);
    EXPECT_EQ(now.told.sources(0).name(), "TERMS");
    EXPECT_EQ(now.told.sources(0).blob().size_bytes(), 60u);
    EXPECT_EQ(now.told.sources(1).text(), "the key is under the mat");
    EXPECT_EQ(librarian_mind::blobs_named(now), std::vector<std::string>{"h1"});
    EXPECT_EQ(librarian_mind::save(now), state) << "nothing is lost";
  }
}

} // namespace
} // namespace troupe
