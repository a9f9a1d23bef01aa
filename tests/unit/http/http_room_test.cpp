#include "config/limits/http.hpp"
#include "config/limits/units.hpp"
#include "tests/unit/http/caller.hpp"

/// Which connection is closed when there are too many.
namespace troupe {
namespace {

using namespace http_testing;

constexpr std::string_view get_health = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";

TEST_F(a_server, closes_the_oldest_idle_connection_for_one_too_many) {
  std::vector<std::unique_ptr<caller>> kept_open;
  while (kept_open.size() < limits::http_connections_max / 2) {
    kept_open.push_back(std::make_unique<caller>(server_->address()));
    kept_open.back()->say(get_health);
    ASSERT_EQ(status_line(kept_open.back()->hear_one()), "HTTP/1.1 200 OK");
  }
  kept_open.front()->say(get_health); // now it is not the oldest any more
  ASSERT_EQ(status_line(kept_open.front()->hear_one()), "HTTP/1.1 200 OK");
  std::vector<std::unique_ptr<caller>> silent;
  while (silent.size() <= limits::http_connections_max / 2)
    silent.push_back(std::make_unique<caller>(server_->address()));
  EXPECT_EQ(kept_open[1]->hear_all(), "") << "the oldest is there still";
  kept_open.front()->say(get_health);
  EXPECT_EQ(status_line(kept_open.front()->hear_one()), "HTTP/1.1 200 OK") << "a younger one went";
}

TEST_F(a_server, answers_at_once_whoever_keeps_all_its_connections) {
  std::vector<std::unique_ptr<caller>> strangers;
  for (std::size_t i = 0; i < 3 * limits::http_connections_max; ++i) {
    strangers.push_back(std::make_unique<caller>(server_->address()));
    if (i % 3 == 1)
      strangers.back()->say("GET /hea"); // an incomplete request
    else if (i % 3 == 2)
      strangers.back()->say(get_health); // and keeps it open
  }
  for (int i = 0; i < 20; ++i) {
    caller real{server_->address()};
    real.say(get_health);
    auto begun = std::chrono::steady_clock::now();
    auto answer = real.hear_one();
    EXPECT_EQ(status_line(answer), "HTTP/1.1 200 OK");
    EXPECT_NE(answer.find("Connection: close"), answer.npos) << "where there is little room";
    EXPECT_LT(std::chrono::steady_clock::now() - begun, limits::http_header_timeout / 2);
  }
}

TEST_F(a_server, does_not_hang_up_on_who_takes_an_answer_while_others_only_wait) {
  http_routes routes;
  for (auto [path, bytes] : {std::pair{"/much", 16 * limits::mib}, std::pair{"/health", 1ul}})
    routes.add_page("GET", path, [bytes = bytes](const incoming_request&) {
      return http_answer{200, "text/plain", std::string(bytes, 'x'), {}};
    });
  http_server_options options;
  options.connections_max = 4;
  open(std::move(routes), options);
  caller busy{server_->address()};
  busy.say("GET /much HTTP/1.1\r\nHost: a\r\n\r\n"); // the answer is larger than its socket takes
  std::vector<std::unique_ptr<caller>> others;
  for (int i = 0; i < 12; ++i) {
    others.push_back(std::make_unique<caller>(server_->address()));
    others.back()->say(get_health);
    ASSERT_EQ(status_line(others.back()->hear_one()), "HTTP/1.1 200 OK");
  }
  EXPECT_GT(busy.hear_one().size(), 16 * limits::mib);
}

} // namespace
} // namespace troupe
