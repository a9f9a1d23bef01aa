#include "telemetry/name_resolver.hpp"

#include "config/limits/http_client.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <semaphore>

namespace troupe {

namespace {

using namespace std::chrono_literals;

/// Waits for `wake`, then takes.
struct one_who_asks {
  std::counting_semaphore<> woken{0};
  std::function<void()> wake = [this] { woken.release(); };

  std::vector<name_resolver::found> take(name_resolver& from,
                                         name_resolver::clock::time_point now) {
    EXPECT_TRUE(woken.try_acquire_for(20s));
    return from.take(now);
  }
};

TEST(name_resolver, looks_a_name_up_once_for_all_who_ask) {
  std::atomic<int> asked = 0;
  one_who_asks asker;
  name_resolver names{[&](const std::string&) -> result<name_addresses> {
                        ++asked;
                        return name_addresses{"192.0.2.1"};
                      },
                      asker.wake};
  name_resolver::clock::time_point now{};
  now += 1h;
  EXPECT_FALSE(names.find("a.test", now));
  EXPECT_FALSE(names.find("a.test", now));
  auto came = asker.take(names, now);
  ASSERT_EQ(came.size(), 1U);
  EXPECT_EQ(came.front().host, "a.test");
  EXPECT_EQ(names.find("a.test", now), name_addresses{"192.0.2.1"});
  EXPECT_EQ(asked, 1);
}

TEST(name_resolver, goes_on_with_what_it_knew_while_the_name_server_is_silent) {
  std::atomic<bool> is_silent = false;
  one_who_asks asker;
  name_resolver names{[&](const std::string&) -> result<name_addresses> {
                        if (is_silent)
                          return fail(ec::unavailable, "no answer");
                        return name_addresses{"192.0.2.1"};
                      },
                      asker.wake};
  name_resolver::clock::time_point now{};
  now += 1h;
  EXPECT_FALSE(names.find("a.test", now));
  asker.take(names, now);
  is_silent = true;
  now += limits::name_lifetime;
  EXPECT_TRUE(names.find("a.test", now)); // asks, and does not wait
  EXPECT_FALSE(asker.take(names, now).front().addresses);
  EXPECT_TRUE(names.find("a.test", now));
}

TEST(name_resolver, forgets_a_name_that_is_gone) {
  std::atomic<bool> is_gone = false;
  one_who_asks asker;
  name_resolver names{[&](const std::string&) -> result<name_addresses> {
                        if (is_gone)
                          return fail(ec::not_found, "no such name");
                        return name_addresses{"192.0.2.1"};
                      },
                      asker.wake};
  name_resolver::clock::time_point now{};
  now += 1h;
  EXPECT_FALSE(names.find("a.test", now));
  asker.take(names, now);
  is_gone = true;
  now += limits::name_lifetime;
  EXPECT_TRUE(names.find("a.test", now));
  asker.take(names, now);
  EXPECT_FALSE(names.find("a.test", now));
}

TEST(name_resolver, leaves_a_look_up_behind_that_hangs) {
  auto end = std::make_shared<std::promise<void>>();
  auto ended = end->get_future().share();
  {
    one_who_asks asker;
    name_resolver names{[ended](const std::string&) -> result<name_addresses> {
                          ended.wait();
                          return name_addresses{"192.0.2.1"};
                        },
                        asker.wake};
    EXPECT_FALSE(names.find("a.test", name_resolver::clock::now()));
  } // does not wait, and is not woken afterwards
  end->set_value();
}

TEST(name_resolver, knows_what_the_system_knows) {
  auto found = look_up_name("localhost");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_FALSE(found->empty());
}

} // namespace

} // namespace troupe
