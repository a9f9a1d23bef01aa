#include "tests/e2e/jaeger.hpp"
#include "tests/support/otlp_receiver.hpp"

/// What agents wait for, as the traces of real runs show it: where the time went, and that nothing
/// outlives what it belongs to.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using interval = std::pair<std::uint64_t, std::uint64_t>;

/// How many nanoseconds of `whole` lie within `parts`.
std::uint64_t covered(interval whole, std::vector<interval> parts) {
  std::sort(parts.begin(), parts.end());
  std::uint64_t sum = 0, from = whole.first;
  for (auto [begin, end] : parts) {
    begin = std::max(begin, from);
    end = std::min(end, whole.second);
    if (end <= begin)
      continue;
    sum += end - begin;
    from = end;
  }
  return sum;
}

interval time_of(const decoded_span& span) {
  return {span.start_time_unix_nano, span.end_time_unix_nano};
}

std::uint64_t length(const decoded_span& span) {
  return span.end_time_unix_nano - span.start_time_unix_nano;
}

std::uint64_t nanoseconds_in(const decoded_span& span, const char* milliseconds_key) {
  auto found = span.attributes.find(milliseconds_key);
  if (found == span.attributes.end())
    return 0;
  return static_cast<std::uint64_t>(std::get<double>(found->second) * 1e6);
}

std::string text_in(const decoded_span& span, const char* key) {
  auto found = span.attributes.find(key);
  return found == span.attributes.end() ? "" : std::get<std::string>(found->second);
}

/// All spans of a cluster that has ended.
struct collected {
  std::vector<decoded_span> spans;

  std::vector<decoded_span> named(std::string_view prefix) const {
    std::vector<decoded_span> found;
    for (const auto& span : spans)
      if (span.name.starts_with(prefix))
        found.push_back(span);
    return found;
  }
  std::vector<decoded_span> below(const decoded_span& parent) const {
    std::vector<decoded_span> found;
    for (const auto& span : spans)
      if (span.parent_span_id == parent.span_id)
        found.push_back(span);
    return found;
  }
  std::set<std::string> names_below(const decoded_span& parent) const {
    std::set<std::string> names;
    for (const auto& span : below(parent))
      names.insert(span.name);
    return names;
  }
  void expect_none_outlives_its_parent(std::string_view prefix = "") const {
    for (const auto& span : named(prefix))
      for (const auto& child : below(span)) {
        EXPECT_LE(child.end_time_unix_nano, span.end_time_unix_nano)
            << child.name << " outlives " << span.name;
        EXPECT_GE(child.start_time_unix_nano, span.start_time_unix_nano)
            << child.name << " is before " << span.name;
      }
  }
};

class waits : public e2e_test {
protected:
  cluster_options seen(variables more = {}, int nodes = 3) const {
    more.emplace_back("TROUPE_TELEMETRY_OTLP_ENDPOINT", collector.endpoint());
    return {.nodes = nodes, .arguments = {}, .environment = std::move(more)};
  }
  collected stop(cluster& all) {
    EXPECT_EQ(all.stop().code, 0); // queued spans are sent before the end
    auto got = collector.accepted();
    EXPECT_THAT(got.problems, IsEmpty());
    return {std::move(got.spans)};
  }
  /// As many documents as asked for: the licences of this machine, each under many names.
  std::filesystem::path folder_of(int count) const {
    std::vector<std::string> texts;
    for (const auto& file : std::filesystem::directory_iterator{licences})
      if (file.is_regular_file())
        texts.push_back(read_file(file.path()));
    auto folder = user.path() / "documents";
    for (int i = 0; i < count; ++i)
      write_file(folder / (std::to_string(i) + ".txt"),
                 "Document " + std::to_string(i) + "\n\n"
                     + texts.at(static_cast<std::size_t>(i) % texts.size()));
    return folder;
  }

  otlp_receiver collector;
};

TEST_F(waits, explain_where_the_time_of_a_digest_went) {
  cluster three{user, seen()};
  auto ran = user.troupe(digest(folder_of(90)));
  ASSERT_TRUE(ran.ok()) << ran.shown();
  auto all = stop(three);
  all.expect_none_outlives_its_parent();

  std::uint64_t lasted = 0, waited = 0, worked = 0;
  auto agents = all.named("invoke_agent ");
  EXPECT_THAT(agents, SizeIs(91));
  for (const auto& agent : agents) {
    std::vector<interval> children;
    for (const auto& child : all.below(agent))
      children.push_back(time_of(child));
    lasted += length(agent);
    waited += covered(time_of(agent), std::move(children));
    worked += nanoseconds_in(agent, "troupe.agent.work_ms");
  }
  auto in_children = static_cast<double>(waited) / static_cast<double>(lasted);
  EXPECT_GE(in_children, 0.9) << "of the time of agents is in no span";
  auto share = static_cast<double>(waited + worked) / static_cast<double>(lasted);
  RecordProperty("agents_covered", std::to_string(share));
  EXPECT_GE(share, 0.9) << "of the time of agents is in no span and is not their own work";
  EXPECT_LE(share, 1.001) << "an agent cannot work while it waits; times are rounded";
  EXPECT_GT(waited, worked) << "an agent mostly waits";

  auto runs = all.named("invoke_workflow digest");
  ASSERT_THAT(runs, SizeIs(1));
  std::vector<interval> tasks;
  for (const auto& task : all.named("task "))
    tasks.push_back(time_of(task));
  auto in_tasks = static_cast<double>(covered(time_of(runs[0]), std::move(tasks)))
                  / static_cast<double>(length(runs[0]));
  RecordProperty("run_covered", std::to_string(in_tasks));
  EXPECT_GE(in_tasks, 0.9) << "of the time of the run is in no task";
  std::cout << "covered: agents " << in_children << ", with their work " << share << ", run "
            << in_tasks << '\n';
}

TEST_F(waits, show_the_documents_of_a_reader_and_what_was_chosen_of_them) {
  cluster three{user, seen()};
  ASSERT_TRUE(user.troupe(digest(folder_of(20))).ok());
  auto all = stop(three);
  for (const auto& edit : all.named("reading edit"))
    EXPECT_FALSE(edit.attributes.contains("troupe.documents")) << "it reads what others have made";
  bool fetched = false;
  for (const auto& reader : all.named("invoke_agent reader")) {
    EXPECT_THAT(all.names_below(reader),
                AllOf(Contains("retrieval reader"), Contains("chat offline")));
    EXPECT_EQ(text_in(reader, "gen_ai.provider.name"), "offline");
    for (const auto& child : all.below(reader)) {
      if (child.name.starts_with("chat ")) {
        EXPECT_TRUE(child.attributes.contains("troupe.model.wait_ms"));
        EXPECT_TRUE(child.attributes.contains("gen_ai.request.max_tokens"));
        EXPECT_EQ(text_in(child, "gen_ai.agent.name"), "reader");
      }
      if (child.name != "retrieval reader")
        continue;
      auto chosen = std::get<std::int64_t>(child.attributes.at("troupe.passages.chosen"));
      EXPECT_GT(chosen, 0);
      EXPECT_LE(chosen, std::get<std::int64_t>(child.attributes.at("troupe.passages.read")));
      EXPECT_GT(nanoseconds_in(child, "troupe.reading.work_ms"), 0u);
      for (const auto& blob : all.below(child)) {
        EXPECT_EQ(blob.name, "get blob");
        fetched = fetched || blob.attributes.contains("troupe.blob.holder");
      }
    }
  }
  EXPECT_TRUE(fetched) << "three nodes read what one of them holds";
}

TEST_F(waits, show_what_a_librarian_loads_keeps_writes_and_reads) {
  cluster one{user, seen({}, 1)};
  auto folder = folder_of(3);
  ASSERT_TRUE(user.troupe({"send", "librarian/me", "Remember the folder " + folder.string()}).ok());
  ASSERT_TRUE(user.troupe({"send", "librarian/me", question}).ok());
  auto all = stop(one);
  all.expect_none_outlives_its_parent();
  auto agents = all.named("invoke_agent librarian");
  ASSERT_THAT(agents, SizeIs(2));
  std::sort(agents.begin(), agents.end(), [](const auto& a, const auto& b) {
    return a.start_time_unix_nano < b.start_time_unix_nano;
  });
  EXPECT_THAT(all.names_below(agents[0]),
              ::testing::ElementsAre("keep blobs", "load state", "write state"));
  EXPECT_THAT(
      all.names_below(agents[1]),
      ::testing::ElementsAre("chat offline", "record step", "retrieval librarian", "write state"))
      << "the reply is written";
  auto retrieval = all.named("retrieval librarian").at(0);
  EXPECT_EQ(std::get<std::int64_t>(retrieval.attributes.at("troupe.passages.chosen")) > 0, true);
  EXPECT_TRUE(all.named("chat ").at(0).attributes.contains("gen_ai.request.stream"));
  EXPECT_TRUE(all.named("chat ").at(0).attributes.contains("gen_ai.response.time_to_first_chunk"));
}

TEST_F(waits, end_with_the_message_that_is_out_of_time) {
  cluster one{user, seen({{"TROUPE_MODELS_OFFLINE_DELAY", "60s"}}, 1)};
  ASSERT_TRUE(user.troupe({"send", "librarian/me", "Remember: Geese fly south."}).ok());
  auto late = user.troupe({"send", "librarian/me", "Where do geese fly?", "--timeout", "1s"});
  EXPECT_NE(late.ended.code, 0);
  auto all = stop(one);
  all.expect_none_outlives_its_parent("invoke_agent "); // the client has a clock of its own
  auto chats = all.named("chat ");
  ASSERT_THAT(chats, SizeIs(1));
  EXPECT_THAT(text_in(chats[0], "error.type"), ::testing::AnyOf("timed_out", "cancelled"));
  EXPECT_LT(length(chats[0]), 10'000'000'000u) << "it did not go on for its minute";
}

TEST_F(in_jaeger, what_a_message_waited_for_when_its_time_was_over) {
  cluster one{user, seen({{"TROUPE_MODELS_OFFLINE_DELAY", "60s"}}, 1)};
  ASSERT_TRUE(user.troupe({"send", "librarian/me", "Remember: Geese fly south."}).ok());
  EXPECT_NE(
      user.troupe({"send", "librarian/me", "Where do geese fly?", "--timeout", "1s"}).ended.code,
      0);
  auto trace = found(last_trace(), 6);
  for (const auto& span : trace.spans) // Jaeger takes a child that ends late for a wrong clock
    EXPECT_THAT(span.warnings, IsEmpty()) << span.name;
  EXPECT_LE(trace.one("chat offline").end_us, trace.one("invoke_agent librarian").end_us);
  EXPECT_TRUE(trace.one("chat offline").failed());
  EXPECT_TRUE(trace.one("invoke_agent librarian").failed());
  EXPECT_FALSE(trace.one("retrieval librarian").failed());
}

} // namespace

} // namespace troupe::tests
