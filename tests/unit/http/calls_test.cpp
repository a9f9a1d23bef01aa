#include "tests/support/best_of_tries.hpp"
#include "tests/unit/http/caller.hpp"

#include <algorithm>
#include <atomic>
#include <future>

/// Answers that come later, and in pieces.
namespace troupe {
namespace {

using namespace http_testing;

constexpr std::string_view get_it = "GET /it HTTP/1.1\r\nHost: a\r\n\r\n";

/// A server whose one page hands its calls to the test.
class a_server_that_waits : public a_server {
protected:
  a_server_that_waits() { restart({}); }
  ~a_server_that_waits() override { server_.reset(); }

  void restart(const http_server_options& options) {
    http_routes routes;
    routes.add({"GET", "/it", [this](const incoming_request&, server_call call) {
                  call.when_gone([this] { gone_.set_value(std::chrono::steady_clock::now()); });
                  std::lock_guard lock{mutex_};
                  calls_.push_back(std::move(call));
                  came_.notify_all();
                }});
    routes.add({"GET", "/dropped", [](const incoming_request&, server_call) {}});
    open(std::move(routes), options);
  }

  server_call next_call() {
    std::unique_lock lock{mutex_};
    EXPECT_TRUE(came_.wait_for(lock, 20s, [&] { return !calls_.empty(); }));
    if (calls_.empty())
      return {};
    auto call = std::move(calls_.front());
    calls_.erase(calls_.begin());
    return call;
  }

  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<server_call> calls_;
  std::promise<std::chrono::steady_clock::time_point> gone_;
};

TEST_F(a_server_that_waits, takes_an_answer_from_any_thread) {
  caller peer{server_->address()};
  peer.say(get_it);
  auto call = next_call();
  peer.say(get_it); // pipelined behind the one that waits
  EXPECT_TRUE(peer.hears_nothing());
  call.answer({200, "text/plain", "later", {}});
  EXPECT_TRUE(peer.hear_one().ends_with("later"));
  next_call().answer({200, "text/plain", "next", {}});
  EXPECT_TRUE(peer.hear_one().ends_with("next"));
  call.answer({200, "text/plain", "twice", {}}); // nobody asks any more
  EXPECT_TRUE(peer.hears_nothing());
}

TEST_F(a_server_that_waits, sends_a_stream_in_chunks) {
  caller peer{server_->address()};
  peer.say(get_it);
  auto call = next_call();
  call.begin({200, "text/event-stream", "first ", {}});
  EXPECT_TRUE(call.write("second"));
  call.finish();
  auto heard = peer.hear_until("0\r\n\r\n");
  EXPECT_NE(heard.find("Transfer-Encoding: chunked\r\n"), heard.npos);
  EXPECT_TRUE(heard.ends_with("\r\n\r\n6\r\nfirst \r\n6\r\nsecond\r\n0\r\n\r\n")) << heard;
  peer.say(get_it); // the connection goes on
  next_call().answer({200, "text/plain", "next", {}});
  EXPECT_TRUE(peer.hear_one().ends_with("next"));
}

TEST_F(a_server_that_waits, ends_a_stream_of_http_1_0_with_the_connection) {
  caller peer{server_->address()};
  peer.say("GET /it HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  auto call = next_call();
  call.begin({200, "text/plain", "all", {}});
  call.write(" of it");
  call.finish();
  auto heard = peer.hear_all();
  EXPECT_TRUE(heard.ends_with("\r\n\r\nall of it")) << heard;
  EXPECT_NE(heard.find("Connection: close\r\n"), heard.npos);
}

TEST_F(a_server_that_waits, stops_the_source_while_its_reader_is_slow) {
  caller peer{server_->address()};
  peer.say(get_it);
  auto call = next_call();
  call.begin({200, "text/plain", {}, {}});
  const std::string piece(16 * limits::kib, 'x');
  std::size_t written = 0;
  std::future<void> room;
  do { // until nothing is taken any more: first the sockets fill
    while (call.write(piece))
      written += piece.size();
    written += piece.size();
    ASSERT_LT(written, 64 * limits::mib) << "nothing stops it";
    auto there = std::make_shared<std::promise<void>>();
    room = there->get_future();
    call.when_room([there] { there->set_value(); });
  } while (room.wait_for(100ms) == std::future_status::ready);
  auto reader = std::async(std::launch::async, [&] { return peer.hear_until("0\r\n\r\n"); });
  EXPECT_EQ(room.wait_for(20s), std::future_status::ready);
  call.finish();
  EXPECT_GT(reader.get().size(), written);
}

TEST_F(a_server_that_waits, cuts_a_source_off_that_does_not_stop) {
  caller peer{server_->address()};
  peer.say(get_it);
  auto call = next_call();
  call.begin({200, "text/plain", {}, {}});
  const std::string piece(limits::mib, 'x');
  for (std::size_t i = 0; i < 2 * limits::http_stream_bytes_hard_max / limits::mib; ++i)
    call.write(piece);
  EXPECT_TRUE(log_.wait_for("does not stop for a slow reader"));
  EXPECT_EQ(gone_.get_future().wait_for(20s), std::future_status::ready);
}

TEST_F(a_server_that_waits, tells_within_50_ms_that_a_peer_has_gone) {
  for (bool streams : {false, true})
    for (bool pipelines : {false, true}) {
      auto took = troupe::tests::best_of_tries([&] {
        gone_ = {};
        auto peer = std::make_unique<caller>(server_->address());
        peer->say(get_it);
        auto call = next_call();
        if (streams)
          call.begin({200, "text/plain", "a piece", {}});
        if (pipelines) // more than is read while a call is open
          peer->say(std::string(2 * limits::http_pipelined_bytes_max, 'x'));
        auto went = std::chrono::steady_clock::now();
        peer.reset();
        auto told = gone_.get_future();
        if (told.wait_for(20s) != std::future_status::ready)
          return troupe::tests::never;
        EXPECT_FALSE(call.write("more")) << "a source learns it here, too";
        return told.get() - went;
      });
      EXPECT_LT(took.best, 50ms) << streams << pipelines;
      EXPECT_LT(took.worst, 1s) << streams << pipelines;
    }
}

TEST_F(a_server_that_waits, tells_of_a_peer_that_goes_while_its_stream_is_not_read) {
  auto peer = std::make_unique<caller>(server_->address());
  peer->say(get_it);
  auto call = next_call();
  call.begin({200, "text/plain", {}, {}});
  while (call.write(std::string(limits::mib, 'x'))) {
  }
  peer.reset();
  EXPECT_EQ(gone_.get_future().wait_for(20s), std::future_status::ready);
}

TEST_F(a_server_that_waits, says_500_where_a_call_is_dropped) {
  auto heard = ask("GET /dropped HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_line(heard), "HTTP/1.1 500 Internal Server Error");
  EXPECT_TRUE(log_.wait_for("gave no answer"));
}

TEST_F(a_server_that_waits, shows_that_a_stream_was_cut_off) {
  caller peer{server_->address()};
  peer.say(get_it);
  {
    auto call = next_call();
    call.begin({200, "text/plain", "half", {}});
  }
  auto heard = peer.hear_all();
  EXPECT_TRUE(heard.ends_with("4\r\nhalf\r\n")) << "no last chunk: " << heard;
}

TEST_F(a_server_that_waits, resets_a_connection_when_told_so) {
  caller peer{server_->address()};
  peer.say(get_it);
  next_call().cut_off(server_call::cut::reset);
  EXPECT_EQ(peer.hear_all(), "");
  EXPECT_EQ(peer.last_error(), ECONNRESET);
}

TEST_F(a_server_that_waits, does_not_wait_for_a_handler_for_ever) {
  http_server_options options;
  options.patience.answer = 20ms;
  restart(options);
  caller peer{server_->address()};
  peer.say(get_it);
  EXPECT_EQ(peer.hear_all(), "");
  EXPECT_EQ(gone_.get_future().wait_for(20s), std::future_status::ready);
  EXPECT_TRUE(log_.wait_for("the page /it did not answer in time"));
}

TEST_F(a_server_that_waits, runs_a_timer_of_a_call_and_drops_it_with_the_call) {
  caller peer{server_->address()};
  peer.say(get_it);
  auto call = next_call();
  auto owned = std::make_shared<int>();
  std::weak_ptr<int> alive = owned;
  call.after(1h, [owned = std::move(owned)] { ADD_FAILURE() << "it was replaced"; });
  call.after(1ms, [&call] { call.answer({200, "text/plain", "in time", {}}); });
  EXPECT_TRUE(peer.hear_one().ends_with("in time"));
  EXPECT_TRUE(alive.expired());
}

TEST_F(a_server_that_waits, drains_what_is_open_and_closes_what_is_idle) {
  caller idle{server_->address()}, busy{server_->address()};
  busy.say(get_it);
  auto call = next_call();
  auto left = std::async(std::launch::async, [&] { return server_->drain(20s); });
  EXPECT_EQ(idle.hear_all(), "");
  call.answer({200, "text/plain", "the last", {}});
  EXPECT_TRUE(busy.hear_all().ends_with("the last"));
  busy.close();
  EXPECT_EQ(left.get(), 0u);
}

TEST_F(a_server_that_waits, serves_from_several_threads) {
  http_server_options options;
  options.threads = 3;
  restart(options);
  std::vector<std::unique_ptr<caller>> peers;
  for (int i = 0; i < 12; ++i) {
    peers.push_back(std::make_unique<caller>(server_->address()));
    peers.back()->say(get_it);
  }
  for (int i = 0; i < 12; ++i)
    next_call().answer({200, "text/plain", "done", {}});
  for (auto& peer : peers)
    EXPECT_TRUE(peer->hear_one().ends_with("done"));
}

/// A stream of that many bytes, as fast as its reader takes them.
class steady_source : public std::enable_shared_from_this<steady_source> {
public:
  struct totals {
    std::atomic<std::size_t> written = 0, stopped = 0;
  };
  steady_source(server_call call, std::size_t bytes, totals& all)
      : call_(std::move(call)), left_(bytes), all_(all) {}

  void go_on() {
    const std::string piece(16 * limits::kib, 'x');
    for (bool more = true; more && left_ > 0;) {
      more = call_.write(piece);
      left_ -= piece.size();
      all_.written += piece.size();
    }
    if (left_ == 0)
      return call_.finish();
    ++all_.stopped;
    call_.when_room([me = shared_from_this()] {
      --me->all_.stopped;
      me->go_on();
    });
  }

private:
  server_call call_;
  std::size_t left_;
  totals& all_;
};

TEST_F(a_server_that_waits, streams_to_500_slow_readers_and_answers_others_meanwhile) {
  constexpr std::size_t readers = 500, bytes = 2 * limits::mib;
  steady_source::totals all;
  auto routes = pages();
  routes.add({"GET", "/much", [&](const incoming_request&, server_call call) {
                call.begin({200, "text/plain", {}, {}});
                std::make_shared<steady_source>(std::move(call), bytes, all)->go_on();
              }});
  http_server_options options;
  options.connections_max = 2 * readers; // so that each is kept open
  open(std::move(routes), options);
  std::vector<std::unique_ptr<caller>> slow;
  for (std::size_t i = 0; i < readers; ++i) {
    slow.push_back(std::make_unique<caller>(server_->address()));
    slow.back()->say("GET /much HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  auto deadline = std::chrono::steady_clock::now() + 20s;
  do // each answer takes a turn of the server's thread: no busy loop
    ASSERT_EQ(status_line(ask("GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")),
              "HTTP/1.1 200 OK");
  while (all.stopped < readers && std::chrono::steady_clock::now() < deadline);
  EXPECT_EQ(all.stopped, readers) << "somebody was not stopped";
  EXPECT_LT(all.written, readers * bytes / 2);
  for (auto& one : slow) {
    auto heard = one->hear_until("0\r\n\r\n");
    EXPECT_EQ(std::count(heard.begin() + static_cast<std::ptrdiff_t>(heard.find("\r\n\r\n")),
                         heard.end(), 'x'),
              static_cast<std::ptrdiff_t>(bytes));
  }
  EXPECT_EQ(all.written, readers * bytes);
  server_.reset(); // before `all`
}

TEST_F(a_server_that_waits, bounds_connections_of_one_address) {
  http_server_options options;
  options.connections_per_address_max = 2;
  restart(options);
  caller one{server_->address()}, two{server_->address()};
  one.say(get_it);
  two.say(get_it);
  next_call(), next_call();
  caller three{server_->address()};
  EXPECT_EQ(three.hear_all(), "");
}

} // namespace
} // namespace troupe
