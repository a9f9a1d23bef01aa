#include "telemetry/log.hpp"
#include "telemetry/log_format.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace troupe {
namespace {

using namespace std::chrono_literals;

const instant noon{1'767'225'600s + 123'456'789ns}; // 2026-01-01T00:00:00.123456789Z

std::string json_of(const stamped_line& line) {
  std::string out;
  append_json_line(out, line);
  return out;
}

std::string readable(const stamped_line& line, bool colour) {
  std::string out;
  append_readable_line(out, line, colour);
  return out;
}

TEST(log_format, writes_one_json_object_a_line) {
  EXPECT_EQ(json_of({noon, log_level::warning, "link", "node-1", "closed", {1, 2}}),
            R"({"ts":"2026-01-01T00:00:00.123456Z","level":"warning","component":"link",)"
            R"("node":"node-1","trace_id":"00000000000000010000000000000002","message":"closed"})"
            "\n");
}

TEST(log_format, leaves_out_a_trace_that_is_not_there) {
  EXPECT_EQ(json_of({noon, log_level::info, "desk", "n", "\"quoted\"\n{", {}}),
            R"({"ts":"2026-01-01T00:00:00.123456Z","level":"info","component":"desk",)"
            R"("node":"n","message":"\"quoted\"\n{"})"
            "\n");
}

TEST(log_format, puts_colours_only_where_asked) {
  stamped_line line{noon, log_level::error, "link", "node-1", "\x1b[31mforged\nline", {}};
  EXPECT_EQ(readable(line, false), "00:00:00.123 error   node-1 link: \\x1b[31mforged\\nline\n");
  EXPECT_EQ(readable(line, true),
            "00:00:00.123 \x1b[31merror\x1b[0m   node-1 link: \\x1b[31mforged\\nline\n");
}

/// A file of this test, removed at its end.
class log_file : public ::testing::Test {
protected:
  log_file() {
    auto test = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    path_ = std::filesystem::temp_directory_path()
            / ("troupe-log-" + std::to_string(::getpid()) + "-" + test);
  }
  ~log_file() override { std::filesystem::remove_all(path_); }

  std::vector<std::string> lines() const {
    std::ifstream in{path_};
    std::vector<std::string> found;
    for (std::string line; std::getline(in, line);)
      found.push_back(line);
    return found;
  }

  std::filesystem::path path_;
};

TEST_F(log_file, has_every_line_once_the_sink_is_gone) {
  auto sink = make_log_sink({log_level::info, true, path_, "node-7"});
  for (int i = 0; i < 100; ++i)
    sink->write({log_level::info, "desk", "line " + std::to_string(i), {3, 4}});
  EXPECT_EQ(sink->dropped(), 0u);
  sink.reset();
  auto found = lines();
  ASSERT_EQ(found.size(), 100u);
  EXPECT_NE(found[99].find(R"("level":"info","component":"desk","node":"node-7",)"
                           R"("trace_id":"00000000000000030000000000000004","message":"line 99"})"),
            std::string::npos)
      << found[99];
}

TEST_F(log_file, has_no_line_below_its_level) {
  auto sink = make_log_sink({log_level::warning, true, path_, "n"});
  sink->write({log_level::debug, "x", "no", {}});
  sink->write({log_level::info, "x", "no", {}});
  sink->write({log_level::warning, "x", "yes", {}});
  sink->write({log_level::error, "x", "yes", {}});
  sink->write({log_level::off, "x", "no", {}});
  EXPECT_FALSE(sink->wants(log_level::info));
  EXPECT_TRUE(sink->wants(log_level::warning));
  EXPECT_FALSE(sink->wants(log_level::off));
  sink.reset();
  EXPECT_EQ(lines().size(), 2u);
}

TEST_F(log_file, stays_empty_when_logging_is_off) {
  auto sink = make_log_sink({log_level::off, true, path_, "n"});
  sink->write({log_level::error, "x", "no", {}});
  sink.reset();
  EXPECT_TRUE(lines().empty());
}

TEST_F(log_file, cuts_a_line_that_is_too_long) {
  auto sink = make_log_sink({log_level::info, false, path_, "n"});
  sink->write({log_level::info, "x", std::string(100'000, 'a'), {}});
  sink.reset();
  ASSERT_EQ(lines().size(), 1u);
  EXPECT_LT(lines()[0].size(), 9'000u);
  EXPECT_TRUE(lines()[0].ends_with("a [cut]"));
}

TEST_F(log_file, that_nobody_reads_costs_lines_but_not_the_callers_time) {
  // A pipe that nobody reads stops the writing thread. The callers must go on and learn what was
  // lost.
  constexpr std::size_t written = 5'000;
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  std::thread reader;
  std::size_t read_lines = 0;
  std::uint64_t dropped = 0;
  {
    int hold = ::open(path_.c_str(), O_RDWR | O_CLOEXEC); // makes opening not wait
    ASSERT_GE(hold, 0);
    auto sink = make_log_sink({log_level::info, true, path_, "n"});
    for (std::size_t i = 0; i < written; ++i)
      sink->write({log_level::info, "x", std::string(200, 'x'), {}});
    dropped = sink->dropped();
    EXPECT_GT(dropped, 0u);
    std::ifstream in{path_};
    ::close(hold);
    reader = std::thread{[&] {
      for (std::string line; std::getline(in, line);)
        ++read_lines;
    }};
    sink.reset();
    reader.join();
  }
  EXPECT_EQ(read_lines + dropped, written);
}

TEST_F(log_file, that_cannot_be_opened_is_named_on_standard_error) {
  ::testing::internal::CaptureStderr();
  auto sink = make_log_sink({log_level::info, true, "/proc/no-such-folder/log", "n"});
  sink->write({log_level::info, "desk", "still heard", {}});
  sink.reset();
  auto said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("/proc/no-such-folder"), std::string::npos) << said;
  EXPECT_NE(said.find("telemetry.log_file"), std::string::npos) << said;
  EXPECT_NE(said.find("still heard"), std::string::npos) << said;
}

TEST(log, the_text_of_a_line_at_debug_is_made_only_where_it_is_wanted) {
  struct sink final : log_sink {
    void write(log_line line) override { lines.push_back(std::move(line)); }
    bool wants(log_level level) const noexcept override { return level >= least; }
    log_level least = log_level::info;
    std::vector<log_line> lines;
  };
  sink to;
  int made = 0;
  auto text = [&] { return "line " + std::to_string(++made); };
  debug(to, "x", text);
  EXPECT_EQ(made, 0);
  to.least = log_level::debug;
  debug(to, "x", text, {3, 4});
  ASSERT_EQ(to.lines.size(), 1u);
  EXPECT_EQ(to.lines[0].text, "line 1");
  EXPECT_EQ(to.lines[0].level, log_level::debug);
  EXPECT_EQ(to.lines[0].trace, (trace_id{3, 4}));
}

TEST(null_log_sink, keeps_nothing) {
  auto sink = make_null_log_sink();
  sink->write({log_level::error, "x", "nobody hears", {}});
  EXPECT_EQ(sink->dropped(), 0u);
}

} // namespace
} // namespace troupe
