#include "config/limits/links.hpp"
#include "tests/e2e/connection.hpp"
#include "tests/e2e/e2e.hpp"

#include "messages/frame.hpp"
#include "nodes/client.hpp"

#include <csignal>
#include <random>

#include <sys/resource.h>

/// Strangers at a node's port: each is rejected with a log line, and nothing else changes.
namespace troupe::tests {

namespace {

using ::testing::HasSubstr;

constexpr std::size_t memory_may_grow = 10'000'000;

class strangers : public e2e_test {
protected:
  void SetUp() override {
    three = std::make_unique<cluster>(user, cluster_options{.arguments = {"--no-restart"}});
    target = three->nodes().at(1);
    // Do not measure what the first client and the first stranger make the node allocate.
    EXPECT_TRUE(user.troupe({"status", "--peer", target.address}).ok());
    connection{target.address}.send("warm");
    memory_before = resident_bytes(target.pid);
    log_before = read_file(log()).size();
    begin = clock::now();
    processor_before = processor_time(target.pid);
  }

  void TearDown() override {
    three.reset();
    e2e_test::TearDown();
  }

  std::filesystem::path log() const { return user.data() / target.name / "log.jsonl"; }

  /// The node logged the stranger and has not grown, and the cluster still works, this node
  /// included.
  void expect_unharmed() {
    EXPECT_TRUE(wait_for_line(log(), {"\"link\""}, 10s, log_before))
        << "no log line of a refused connection:\n"
        << read_file(log()).substr(log_before);
    EXPECT_LT(resident_bytes(target.pid), memory_before + memory_may_grow);
    await_status(user, [&](const json& status) {
      return nodes_in(status).at(target.name).at("state") == "up"
             && nodes_in(status).at(target.name).at("pid") == target.pid;
    });
    auto asked =
        user.troupe({"send", "librarian/after", "Are you there?", "--peer", target.address});
    EXPECT_TRUE(asked.ok()) << asked.shown();
  }

  /// The node has used less than a third of a core since the test began.
  void expect_no_spinning() {
    auto used = processor_time(target.pid) - processor_before;
    EXPECT_LT(used, (clock::now() - begin) / 3) << used.count() << " ms of processor time";
  }

  std::unique_ptr<cluster> three;
  running_node target;
  std::size_t memory_before = 0;
  std::size_t log_before = 0;
  clock::time_point begin;
  std::chrono::milliseconds processor_before{0};
};

TEST_F(strangers, that_send_random_bytes_are_turned_away) {
  std::mt19937_64 random{20'250'101};
  for (int i = 0; i < 50; ++i) {
    std::string bytes(1 << (i % 18), '\0');
    for (char& byte : bytes)
      byte = static_cast<char>(random());
    connection stranger{target.address};
    stranger.send(bytes);
    if (bytes.size() >= link_preface.size()) {
      EXPECT_TRUE(stranger.wait_for_close(2s)) << bytes.size() << " bytes";
    }
  }
  expect_unharmed();
}

TEST_F(strangers, that_speak_another_protocol_are_turned_away) {
  using namespace std::string_literals;
  for (const auto& words : {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"s,
                            "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and so on"s,
                            "TROUPE\0\2 a version that does not exist"s, "SSH-2.0-client\r\n"s}) {
    connection stranger{target.address};
    stranger.send(words);
    EXPECT_TRUE(stranger.wait_for_close(2s)) << words;
  }
  expect_unharmed();
}

TEST_F(strangers, that_announce_a_frame_of_4_gib_are_turned_away_before_a_byte_is_stored) {
  std::string announced{link_preface};
  announced += std::string(4, '\xff');               // the length of its body
  announced += static_cast<char>(frame_kind::hello); // and its kind
  announced += std::string(frame_header_bytes - 5, '\0');
  for (int i = 0; i < 20; ++i) {
    connection stranger{target.address};
    stranger.send(announced);
    EXPECT_TRUE(stranger.wait_for_close(2s)) << "by its header, without waiting for the body";
    stranger.send(std::string(1'000'000, 'x'));
  }
  expect_unharmed();
}

TEST_F(strangers, that_send_more_than_a_hello_may_be_are_turned_away) {
  std::vector<char> frame;
  ASSERT_TRUE(
      append_frame(frame, frame_kind::hello, std::string(limits::hello_bytes_max + 1, 'x')));
  for (int i = 0; i < 20; ++i) {
    connection stranger{target.address};
    stranger.send(std::string{link_preface} + std::string{frame.data(), frame.size()});
    EXPECT_TRUE(stranger.wait_for_close(2s));
  }
  expect_unharmed();
}

TEST_F(strangers, that_skip_the_proof_are_turned_away) {
  for (auto kind :
       {frame_kind::envelopes, frame_kind::chunk, frame_kind::welcome, frame_kind::ping}) {
    std::vector<char> frame;
    ASSERT_TRUE(append_frame(frame, kind, "12345678"));
    connection stranger{target.address};
    stranger.send(std::string{link_preface} + std::string{frame.data(), frame.size()});
    EXPECT_TRUE(stranger.wait_for_close(2s)) << "frame kind " << static_cast<int>(kind);
  }
  expect_unharmed();
}

TEST_F(strangers, with_a_wrong_secret_or_cluster_are_refused) {
  auto right = read_file(user.data() / "secret").substr(0, 64);
  for (auto [cluster_name, secret] : {std::pair{std::string{"default"}, std::string(64, 'b')},
                                      std::pair{std::string{"another"}, right}}) {
    auto attached =
        client::connect({.peer = target.address, .cluster = cluster_name, .secret = secret});
    ASSERT_FALSE(attached.has_value());
    EXPECT_EQ(attached.error().code, ec::refused) << attached.error().message;
  }
  write_file(user.path() / "secret", std::string(64, 'b') + "\n");
  auto asked = user.troupe(
      {"status", "--peer", target.address, "--secret-file", (user.path() / "secret").string()});
  EXPECT_EQ(asked.ended.code, 69) << asked.shown();
  EXPECT_THAT(asked.err, HasSubstr("secret"));
  expect_unharmed();
}

TEST_F(strangers, that_say_nothing_are_turned_away_and_cost_nothing) {
  std::vector<connection> silent;
  for (int i = 0; i < 200; ++i)
    silent.emplace_back(target.address);
  EXPECT_TRUE(user.troupe({"status"}).ok()) << "the others work on meanwhile";
  for (auto& stranger : silent)
    EXPECT_TRUE(stranger.wait_for_close(4 * limits::hello_deadline));
  expect_no_spinning();
  expect_unharmed();
}

TEST_F(strangers, that_speak_very_slowly_are_turned_away) {
  std::vector<connection> slow;
  for (int i = 0; i < 20; ++i) {
    slow.emplace_back(target.address);
    slow.back().send(link_preface.substr(0, static_cast<std::size_t>(i % 8)));
  }
  for (auto& stranger : slow)
    EXPECT_TRUE(stranger.wait_for_close(2 * limits::hello_deadline));
  expect_no_spinning();
  expect_unharmed();
}

TEST_F(strangers, that_take_all_file_descriptors_stop_nothing) {
  rlimit before{};
  ASSERT_EQ(::prlimit(target.pid, RLIMIT_NOFILE, nullptr, &before), 0);
  rlimit tight{open_descriptors(target.pid) + 4, before.rlim_max};
  ASSERT_EQ(::prlimit(target.pid, RLIMIT_NOFILE, &tight, nullptr), 0);
  std::vector<connection> greedy;
  for (int i = 0; i < 60; ++i)
    greedy.emplace_back(target.address);
  EXPECT_TRUE(user.troupe({"status", "--peer", three->nodes()[0].address}).ok());
  EXPECT_TRUE(greedy.front().wait_for_close(4 * limits::hello_deadline));
  expect_no_spinning();
  EXPECT_TRUE(wait_for_line(log(), {"\"link\"", "open files"}, 10s, log_before))
      << read_file(log()).substr(log_before);
  greedy.clear();
  ASSERT_EQ(::prlimit(target.pid, RLIMIT_NOFILE, &before, nullptr), 0);
  expect_unharmed();
}

TEST_F(strangers, that_come_and_go_by_the_thousand_leave_no_descriptor_behind) {
  auto open_before = open_descriptors(target.pid);
  for (int i = 0; i < 2'000; ++i) {
    connection stranger{target.address};
    stranger.send("nonsense, and gone");
  }
  connection last{target.address};
  last.send("nonsense, and waiting");
  EXPECT_TRUE(last.wait_for_close(2 * limits::hello_deadline));
  expect_unharmed();
  EXPECT_LE(open_descriptors(target.pid), open_before + 4);
}

TEST_F(strangers, at_the_http_port_get_an_answer_or_are_turned_away) {
  auto where = target.http_address;
  connection silent{where};
  for (const auto& words : {std::string{"nonsense\r\n\r\n"}, std::string(100'000, 'x'),
                            "GET /" + std::string(100'000, 'y') + " HTTP/1.1\r\n\r\n"}) {
    connection stranger{where};
    stranger.send(words);
    EXPECT_TRUE(stranger.wait_for_close(20s)) << words.substr(0, 20);
  }
  EXPECT_EQ(http_get("http://" + where + "/health").status, 200);
  EXPECT_TRUE(silent.wait_for_close(60s)) << "nobody may hold a connection for ever";
  expect_no_spinning();
}

} // namespace

} // namespace troupe::tests
