#include "messages/values.pb.h"
#include "nodes/cli/ask_status.hpp"
#include "nodes/cli/output.hpp"
#include "nodes/cli/up_reporter.hpp"
#include "nodes/exit_codes.hpp"

#include <gtest/gtest.h>

namespace troupe::cli {

using namespace std::chrono_literals;

TEST(output, sizes_are_said_as_people_say_them) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(812), "812 B");
  EXPECT_EQ(human_bytes(1434), "1.4 KiB");
  EXPECT_EQ(human_bytes(64 << 20), "64 MiB");
  EXPECT_EQ(human_bytes(3ULL << 30), "3.0 GiB");
}

TEST(output, durations_are_said_as_people_say_them) {
  EXPECT_EQ(human_duration(12ms), "12 ms");
  EXPECT_EQ(human_duration(3400ms), "3.4 s");
  EXPECT_EQ(human_duration(125s), "2 min 5 s");
  EXPECT_EQ(human_duration(1min), "1 min");
  EXPECT_EQ(human_duration(190min), "3 h 10 min");
}

TEST(output, columns_are_aligned_by_characters_and_not_by_bytes) {
  EXPECT_EQ(table({{"a", "b"}, {"éé", "c"}}, false), "a   b\néé  c\n");
  EXPECT_EQ(table({{"a"}}, true), "\x1b[1ma\x1b[0m\n");
}

TEST(output, colours_appear_only_where_they_are_wanted) {
  EXPECT_EQ(painted("up", colour::green, false), "up");
  EXPECT_EQ(painted("up", colour::green, true), "\x1b[32mup\x1b[0m");
}

TEST(output, values_become_json_with_keys_in_order) {
  Value value;
  auto& fields = *value.mutable_map()->mutable_fields();
  fields["b"].set_integer(2);
  fields["a"].mutable_list()->add_items()->set_text("x");
  auto& blob = *fields["c"].mutable_blob();
  blob.set_name("GPL-3");
  blob.set_size_bytes(7);
  blob.set_sha256("\x01\xff");
  EXPECT_EQ(to_line(to_json(value)),
            R"({"a":["x"],"b":2,"c":{"name":"GPL-3","size_bytes":7,"sha256":"01ff"}})"
            "\n");
}

TEST(output, json_survives_text_that_is_not_utf_8) {
  EXPECT_EQ(to_line("a\xff"), "\"a\xef\xbf\xbd\"\n");
}

TEST(output, errors_have_the_exit_code_of_their_kind) {
  EXPECT_EQ(error_of(failure{ec::unavailable, "x"}).exit_code, 69);
  EXPECT_EQ(error_of(failure{ec::unknown_role, "x"}).exit_code, 64);
  EXPECT_EQ(error_of(failure{ec::timed_out, "x"}).exit_code, 124);
  EXPECT_EQ(error_of(failure{ec::task_failed, "x"}).exit_code, 1);
  EXPECT_EQ(error_of_files(failure{ec::bad_message, "x"}).exit_code, 65);
  EXPECT_EQ(error_of_files(failure{ec::storage_failed, "x"}).exit_code, 73);
  EXPECT_EQ(error_of(std::string("x")).exit_code, 78);
}

TEST(output, an_error_is_one_line_on_standard_error_or_json_on_standard_output) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(report({69, "unavailable", "nobody there"}), 69);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "troupe: nobody there\n");
  testing::internal::CaptureStdout();
  EXPECT_EQ(report({69, "unavailable", "nobody there"}, true), 69);
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "{\"error\":{\"code\":\"unavailable\",\"message\":\"nobody there\"}}\n");
}

TEST(output, errors_and_cells_are_one_line_whatever_they_say) {
  testing::internal::CaptureStderr();
  report({69, "unavailable", "no\ntroupe: all is well\x1b[31m"});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "troupe: no\\ntroupe: all is well\\x1b[31m\n");
  EXPECT_EQ(table({{"a\nb", "\u009b2J"}}, false), "a b  ?2J\n");
  EXPECT_EQ(coloured_line("\x1b[32mup\x1b[0m\n\x1b[2J"), "\x1b[32mup\x1b[0m ?[2J");
}

TEST(output, the_words_of_others_have_no_colours_of_their_own) {
  ClusterStatus status;
  auto& node = *status.add_nodes();
  node.mutable_info()->set_name("a\x1b[8mb");
  node.set_state(MEMBER_UP);
  node.set_pid(1);
  node.add_roles()->set_name("c\x1b[31md");
  auto text = status_text(status, true);
  EXPECT_EQ(text.find("\x1b[8m"), std::string::npos) << text;
  EXPECT_EQ(text.find("\x1b[31m"), std::string::npos) << text;

  std::string told;
  up_reporter::options options;
  options.data = "/d\x1b[8m";
  options.hint = " --data /d\x1b[8m";
  options.detached = true;
  up_reporter reporter(
      options, [&](const std::string& line) { told += line; }, [] {}, [] {});
  reporter.cluster_ready();
  reporter.node_hangs({}, 1, "why\x1b[8m");
  reporter.node_restarting({}, 1s, "why\x1b[8m");
  reporter.node_given_up({}, "why\x1b[8m");
  told += kept_text(options.data, options.hint);
  EXPECT_EQ(told.find('\x1b'), std::string::npos) << told;
}

TEST(output, json_names_by_number_what_terminals_obey) {
  EXPECT_EQ(to_line("a\u009bb\u202ec\x7f\xc2\xa0é"), "\"a\\u009bb\\u202ec\\u007f\xc2\xa0é\"\n");
  EXPECT_EQ(json::parse(to_line("a\u009b\u2028\x7f\x1b")), "a\u009b\u2028\x7f\x1b");
}

} // namespace troupe::cli
