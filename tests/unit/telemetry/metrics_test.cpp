#include "telemetry/metrics.hpp"

#include "telemetry/log.hpp"
#include "telemetry/process_figures.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <unistd.h>
#include <vector>

namespace troupe {
namespace {

using namespace std::chrono_literals;

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

double value_of(const std::string& text, const std::string& series) {
  auto at = ("\n" + text).find("\n" + series + " ");
  return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size()));
}

std::size_t count_of(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1))
    ++found;
  return found;
}

TEST(metrics, count_tasks_by_agent_outcome_and_type) {
  metrics counted;
  counted.task_processed("reader#3", true, "digest", 700ms);
  counted.task_processed("reader#3", true, "digest", 40s);
  counted.task_processed("reader#3", false, "digest", 1ms);
  auto text = counted.to_text();
  auto labels = std::string{R"({agent_id="reader#3",status="success",task_type="digest"})"};
  EXPECT_EQ(value_of(text, "agent_tasks_processed_total" + labels), 2) << text;
  EXPECT_EQ(value_of(text, "agent_tasks_processed_total"
                           R"({agent_id="reader#3",status="failure",task_type="digest"})"),
            1);
  auto bucket = [&](const std::string& le) {
    return value_of(text, "agent_task_duration_seconds_bucket"
                          R"({agent_id="reader#3",task_type="digest",le=")"
                              + le + "\"}");
  };
  EXPECT_EQ(bucket("0.1"), 1);
  EXPECT_EQ(bucket("0.5"), 1);
  EXPECT_EQ(bucket("1"), 2);
  EXPECT_EQ(bucket("30"), 2);
  EXPECT_EQ(bucket("60"), 3);
  EXPECT_EQ(bucket("+Inf"), 3);
  for (auto le : {"2.5", "5", "10", "300", "900"})
    EXPECT_GE(bucket(le), 2) << le;
  EXPECT_EQ(count_of(text, "agent_task_duration_seconds_bucket{"), 11u);
}

TEST(metrics, count_model_calls_and_tokens) {
  metrics counted;
  counted.model_called({"offline", "reader#1", "offline", false, "offline"}, 100, 20, 30ms, 0,
                       {.read = 64, .written = 8});
  counted.model_called({"offline", "reader#1", "offline", false, "offline"}, 10, 2, 30ms);
  auto text = counted.to_text();
  EXPECT_EQ(value_of(text, R"(llm_api_calls_total{agent_id="reader#1",model="offline"})"), 2)
      << text;
  auto tokens = [&](const std::string& type) {
    return value_of(text, R"(llm_tokens_total{agent_id="reader#1",model="offline",type=")" + type
                              + "\"}");
  };
  EXPECT_EQ(tokens("input"), 110);
  EXPECT_EQ(tokens("output"), 22);
  auto cached = [&](const std::string& type) {
    return value_of(text, R"(llm_cached_tokens_total{agent_id="reader#1",model="offline",type=")"
                              + type + "\"}");
  };
  EXPECT_EQ(cached("read"), 64);
  EXPECT_EQ(cached("written"), 8);
  std::string common = R"({gen_ai_operation_name="chat",gen_ai_provider_name="offline",)"
                       R"(gen_ai_request_model="offline")";
  std::string provider = R"(,provider="offline")";
  EXPECT_EQ(value_of(text, "gen_ai_client_token_usage_bucket" + common
                               + R"(,gen_ai_token_type="input")" + provider + R"(,le="16"})"),
            1);
  EXPECT_EQ(value_of(text, "gen_ai_client_token_usage_sum" + common
                               + R"(,gen_ai_token_type="output")" + provider + "}"),
            22);
  EXPECT_EQ(value_of(text, "gen_ai_client_operation_duration_seconds_bucket" + common + provider
                               + R"(,le="0.04"})"),
            2);
  EXPECT_EQ(value_of(text, "gen_ai_client_operation_duration_seconds_bucket" + common + provider
                               + R"(,le="81.92"})"),
            2);
  EXPECT_NE(text.find(R"(le="67108864")"), text.npos);
  EXPECT_EQ(count_of(text, "gen_ai_client_token_usage_bucket{"), 30u); // 14 buckets and +Inf, twice
}

TEST(metrics, tell_failures_pieces_and_costs_of_model_calls) {
  metrics counted;
  metrics::model_call call{"m", "reader#1", "acme", false, "openai"};
  counted.model_called(call, 10, 2, 30ms, 2'500'000'000);
  counted.model_failed(call, "overloaded", 20ms);
  counted.model_piece(call, true, 15ms);
  counted.model_piece(call, false, 1ms);
  counted.model_piece(call, false, 1ms);
  call.embeds = true;
  counted.model_called(call, 10, 0, 30ms);
  counted.provider_load("acme", 3, 7);
  counted.provider_limit("acme", "requests", 59);
  counted.call_held_back("acme");
  counted.safety_found("secret", "mask", 2);
  auto text = counted.to_text();
  EXPECT_EQ(value_of(text, R"(llm_api_calls_total{agent_id="reader#1",model="m"})"), 3) << text;
  EXPECT_EQ(value_of(text, R"(llm_cost_usd_total{agent_id="reader#1",model="m"})"), 2.5);
  EXPECT_EQ(value_of(text, R"(llm_calls_failed_total{provider="acme",reason="overloaded"})"), 1);
  EXPECT_EQ(value_of(text, R"(llm_calls_running{provider="acme"})"), 3);
  EXPECT_EQ(value_of(text, R"(llm_calls_waiting{provider="acme"})"), 7);
  EXPECT_EQ(value_of(text, R"(llm_limit_left{provider="acme",type="requests"})"), 59);
  EXPECT_EQ(value_of(text, R"(llm_calls_held_back_total{provider="acme"})"), 1);
  EXPECT_EQ(value_of(text, R"(troupe_safety_total{action="mask",check="secret"})"), 2);
  std::string common =
      R"(gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="m",)"
      R"(provider="acme"})";
  EXPECT_EQ(value_of(text, "gen_ai_client_operation_time_to_first_chunk_seconds_count{" + common),
            1);
  EXPECT_EQ(value_of(text, "gen_ai_client_operation_time_per_output_chunk_seconds_count{" + common),
            2);
  EXPECT_EQ(value_of(text, R"(gen_ai_client_operation_duration_seconds_count{)"
                           R"(error_type="overloaded",)"
                               + common),
            1);
  EXPECT_NE(text.find(R"(gen_ai_operation_name="embeddings")"), text.npos);
}

TEST(metrics, never_show_what_a_caller_named) {
  metrics counted;
  counted.task_processed("librarian/my-diary", true, "talk", 1ms);
  counted.model_called({"offline", "librarian/my-diary"}, 1, 1, 1ms);
  auto text = counted.to_text();
  EXPECT_EQ(text.find("diary"), text.npos);
  EXPECT_EQ(value_of(text, R"(agent_tasks_processed_total{agent_id="librarian",)"
                           R"(status="success",task_type="talk"})"),
            1);
}

TEST(metrics, stay_bounded_whatever_the_labels_are) {
  metrics counted;
  for (int i = 0; i < 25'000; ++i)
    counted.message_unread("type-" + std::to_string(i));
  auto text = counted.to_text();
  auto series = count_of(text, "\ntroupe_messages_unreadable_total{");
  EXPECT_GT(series, 9'000u);
  EXPECT_LE(series, 10'001u);
  auto beyond = value_of(text, R"(troupe_messages_unreadable_total{kind="other"})");
  EXPECT_EQ(beyond + static_cast<double>(series) - 1, 25'000);
}

TEST(metrics, escape_labels_that_would_break_the_text) {
  metrics counted;
  counted.message_unread("a\"b\\c\nd\xff");
  auto text = counted.to_text();
  EXPECT_NE(text.find("kind=\"a\\\"b\\\\c\\nd\uFFFD\""), text.npos) << text;
}

TEST(metrics, show_the_plain_counts) {
  metrics counted;
  counted.plain().tasks_done = 1;
  counted.plain().tasks_failed = 2;
  counted.plain().tasks_running = 3;
  counted.plain().queue_length = 4;
  counted.plain().agents = 5;
  counted.plain().late_results = 6;
  counted.plain().envelopes_sent = 7;
  counted.plain().envelopes_received = 8;
  counted.plain().envelopes_expired = 9;
  counted.plain().links_refused = 10;
  counted.plain().restarts = 11;
  counted.plain().spans_dropped = 12;
  counted.plain().spans_exported = 13;
  auto text = counted.to_text();
  int expected = 0;
  for (auto series : {"tasks_done_total", "tasks_failed_total", "tasks_running", "queue_length",
                      "agents", "late_results_total", "envelopes_sent_total",
                      "envelopes_received_total", "envelopes_expired_total", "links_refused_total",
                      "restarts_total", "spans_dropped_total", "spans_exported_total"})
    EXPECT_EQ(value_of(text, "troupe_" + std::string{series}), ++expected) << series;
  EXPECT_TRUE(has_line(text, "# TYPE troupe_tasks_done_total counter"));
  EXPECT_TRUE(has_line(text, "# TYPE troupe_queue_length gauge"));
}

TEST(metrics, show_what_the_log_dropped) {
  struct sink final : log_sink {
    void write(log_line) override {}
    std::uint64_t dropped() const noexcept override { return 17; }
  };
  metrics counted;
  counted.watch_log(std::make_shared<sink>());
  EXPECT_EQ(value_of(counted.to_text(), "troupe_log_lines_dropped_total"), 17);
}

TEST(metrics, show_the_process) {
  metrics counted;
  auto text = counted.to_text();
  EXPECT_GT(value_of(text, "process_resident_memory_bytes"), 1'000'000);
  EXPECT_GE(value_of(text, "process_cpu_seconds_total"), 0);
  EXPECT_GT(value_of(text, "process_open_fds"), 2);
  auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch());
  EXPECT_GT(value_of(text, "process_start_time_seconds"), 1.6e9);
  EXPECT_LE(value_of(text, "process_start_time_seconds"), now.count() + 1);
}

TEST(metrics, count_open_files_exactly) {
  auto before = read_process_figures().open_fds;
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  EXPECT_EQ(*read_process_figures().open_fds, *before + 2);
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST(metrics, lose_nothing_between_threads) {
  metrics counted;
  constexpr int threads = 4, each = 5'000;
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; ++t)
    workers.emplace_back([&counted, t] {
      for (int i = 0; i < each; ++i)
        counted.task_processed("reader#" + std::to_string((i + t) % 3), true, "digest", 1ms);
    });
  for (auto& worker : workers)
    worker.join();
  auto text = counted.to_text();
  double sum = 0;
  for (int slot = 0; slot < 3; ++slot)
    sum += value_of(text, R"(agent_tasks_processed_total{agent_id="reader#)" + std::to_string(slot)
                              + R"(",status="success",task_type="digest"})");
  EXPECT_EQ(sum, threads * each);
}

} // namespace
} // namespace troupe
