#include "nodes/provider_keys.hpp"

#include "config/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <future>

namespace troupe {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

struct lines : log_sink {
  void write(log_line line) override { all.push_back(line.text); }
  std::vector<std::string> all;
};

class keys_of_providers : public ::testing::Test {
protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path()
              / ("troupe-keys-" + std::to_string(::getpid()) + "-"
                 + ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// A file that is another one, as an editor or an orchestrator replaces it.
  std::string put(const std::string& name, const std::string& text) {
    auto path = folder_ / name;
    std::ofstream{path.string() + ".new"} << text;
    std::filesystem::rename(path.string() + ".new", path);
    return path.string();
  }
  /// A provider `x` with those keys. Files are looked at for every call, unless it is said.
  provider_keys with(std::vector<provider_key> keys, std::chrono::milliseconds look_every = 0ms) {
    provider_keys::options how;
    how.look_every = look_every;
    how.retry_every = 0ms;
    return provider_keys{catalog_of(std::move(keys)), told, how};
  }
  static models_catalog catalog_of(std::vector<provider_key> keys) {
    models_catalog all;
    all.providers.resize(1);
    all.providers[0].name = "x";
    all.providers[0].keys = std::move(keys);
    return all;
  }
  using answer = result<std::optional<provider_keys::chosen>>;
  static std::future<answer> ask(provider_keys& keys, const std::string& provider = "x") {
    auto given = std::make_shared<std::promise<answer>>();
    keys.next(provider, [given](answer key) { given->set_value(std::move(key)); });
    return given->get_future();
  }
  static std::string words(std::future<answer> asked) {
    if (asked.wait_for(20s) != std::future_status::ready)
      return "no answer";
    auto chosen = asked.get();
    return !chosen ? chosen.error().message : *chosen ? (*chosen)->key : "none wanted";
  }
  static std::string next(provider_keys& keys) { return words(ask(keys)); }
  static std::string turns(provider_keys& keys, int count) {
    std::string all;
    for (int i = 0; i < count; ++i)
      all += next(keys);
    return all;
  }

  std::filesystem::path folder_;
  std::shared_ptr<lines> told = std::make_shared<lines>();
};

TEST_F(keys_of_providers, are_read_from_their_places) {
  ::setenv("TROUPE_TEST_KEY", " sk-env\n", 1);
  auto by_variable = with({{{key_place::sort::variable, "TROUPE_TEST_KEY"}}});
  EXPECT_EQ(next(by_variable), "sk-env");
  auto by_file = with({{{key_place::sort::file, put("key", "sk-file\n")}}});
  EXPECT_EQ(next(by_file), "sk-file");
  auto inline_key =
      put("config.yaml", "providers:\n  x:\n    kind: openai\n    api_key: sk-inline\n"
                         "    keys: [{api_key: sk-second}]\n");
  auto in_config = with(
      {{{key_place::sort::config_file, inline_key}}, {{key_place::sort::config_file, inline_key}}});
  EXPECT_EQ(next(in_config), "sk-inline");
  EXPECT_EQ(next(in_config), "sk-second");
  auto none = with({});
  EXPECT_EQ(next(none), "none wanted");
}

TEST_F(keys_of_providers, are_read_again_when_their_file_has_changed) {
  auto path = put("key", "sk-1");
  auto keys = with({{{key_place::sort::file, path}}});
  EXPECT_EQ(next(keys), "sk-1");
  put("key", "sk-2");
  EXPECT_EQ(next(keys), "sk-2");
  std::filesystem::remove(path);
  EXPECT_THAT(next(keys), HasSubstr(path + " cannot be read"));
  put("key", "sk-3");
  EXPECT_EQ(next(keys), "sk-3");
}

TEST_F(keys_of_providers, take_turns_by_weight) {
  auto keys = with(
      {{{key_place::sort::file, put("a", "A")}, 3}, {{key_place::sort::file, put("b", "B")}, 1}});
  EXPECT_EQ(turns(keys, 8), "AABAAABA");
}

TEST_F(keys_of_providers, are_taken_out_when_they_are_refused_until_they_change) {
  auto a = put("a", "A");
  auto keys = with({{{key_place::sort::file, a}}, {{key_place::sort::file, put("b", "B")}}});
  EXPECT_EQ(turns(keys, 2), "AB");
  keys.refused("x", {0, "another"}, 401);
  EXPECT_TRUE(told->all.empty()) << "that was the one before it";
  keys.refused("x", {0, "A"}, 401);
  keys.refused("x", {0, "A"}, 401);
  EXPECT_EQ(turns(keys, 2), "BB");
  ASSERT_EQ(told->all.size(), 1u) << "it is told once";
  EXPECT_THAT(told->all[0], HasSubstr("refused the key from " + a + " (status 401)"));
  keys.refused("x", {1, "B"}, 403);
  EXPECT_THAT(next(keys), HasSubstr("it has refused all"));
  put("a", "A2");
  EXPECT_EQ(next(keys), "A2");
}

TEST_F(keys_of_providers, that_were_told_to_wait_rest_while_another_can_be_used) {
  auto keys =
      with({{{key_place::sort::file, put("a", "A")}}, {{key_place::sort::file, put("b", "B")}}});
  EXPECT_EQ(turns(keys, 2), "AB");
  EXPECT_TRUE(keys.has_rested("x"));
  keys.told_to_wait("x", {0, "another"}, 1h);
  EXPECT_EQ(turns(keys, 2), "AB") << "that was the one before it";
  keys.told_to_wait("x", {0, "A"}, 1h);
  EXPECT_EQ(turns(keys, 2), "BB");
  EXPECT_TRUE(keys.has_rested("x"));
  keys.told_to_wait("x", {1, "B"}, 1h);
  EXPECT_FALSE(keys.has_rested("x"));
  EXPECT_NE(next(keys), next(keys)) << "if all have to wait, they take turns";
  auto alone = with({{{key_place::sort::file, put("c", "C")}}});
  EXPECT_EQ(next(alone), "C");
  EXPECT_FALSE(alone.has_rested("x")) << "there is no other";
}

TEST_F(keys_of_providers, are_looked_at_no_more_often_than_they_have_to_be) {
  auto path = put("key", "sk-1");
  auto keys = with({{{key_place::sort::file, path}}}, 24h);
  EXPECT_EQ(next(keys), "sk-1");
  put("key", "sk-2");
  EXPECT_EQ(next(keys), "sk-1") << "it can be used, so nobody looks";
  keys.refused("x", {0, "sk-1"}, 401);
  EXPECT_EQ(next(keys), "sk-2") << "there was none to use";
}

TEST_F(keys_of_providers, are_read_from_regular_files_only) {
  auto pipe = (folder_ / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  auto of_pipe = with({{{key_place::sort::file, pipe}}});
  EXPECT_THAT(next(of_pipe), HasSubstr(pipe + " is no regular file"));
  auto of_config = with({{{key_place::sort::config_file, pipe}}});
  EXPECT_THAT(next(of_config), HasSubstr(pipe + " is no regular file"));
  auto of_folder = with({{{key_place::sort::file, folder_.string()}}});
  EXPECT_THAT(next(of_folder), HasSubstr("is no regular file"));
}

/// A file system that does not answer until it is told to.
TEST_F(keys_of_providers, on_a_silent_file_system_stop_calls_of_no_other_provider) {
  auto catalog = catalog_of({{{key_place::sort::file, "/silent"}}});
  catalog.providers.push_back(catalog.providers[0]);
  catalog.providers[1].name = "y";
  catalog.providers[1].keys[0].place.what = put("key", "sk-fine");
  auto opened = std::make_shared<std::promise<void>>();
  auto is_open = opened->get_future().share();
  provider_keys::options how;
  how.read_within = 50ms;
  how.look_every = how.retry_every = 0ms;
  how.read = [is_open](const key_place& place, std::string_view provider,
                       std::size_t index) -> outcome<std::string, std::string> {
    if (place.what != "/silent")
      return read_key(place, provider, index);
    is_open.wait();
    return std::string{"sk-late"};
  };
  provider_keys keys{catalog, told, how};
  auto waits = ask(keys), waits_too = ask(keys);
  EXPECT_EQ(words(ask(keys, "y")), "sk-fine");
  EXPECT_EQ(words(std::move(waits)),
            "provider x has no key that can be used: /silent cannot be read: its file system does "
            "not answer");
  EXPECT_THAT(words(std::move(waits_too)), HasSubstr("does not answer"));
  auto later = ask(keys);
  EXPECT_EQ(later.wait_for(0s), std::future_status::ready) << "nobody waits for it again";
  opened->set_value();
  auto in_time = std::chrono::steady_clock::now() + 20s;
  std::string found;
  while (found != "sk-late" && std::chrono::steady_clock::now() < in_time)
    found = next(keys); // as soon as the look has ended
  EXPECT_EQ(found, "sk-late");
}

TEST_F(keys_of_providers, give_none_any_more_when_they_are_closed) {
  std::promise<void> opened;
  auto is_open = opened.get_future().share();
  auto catalog = catalog_of({{{key_place::sort::file, "/silent"}}});
  provider_keys::options how;
  how.read = [is_open](const key_place&, std::string_view,
                       std::size_t) -> outcome<std::string, std::string> {
    is_open.wait();
    return std::string{"sk-late"};
  };
  auto given = std::make_shared<std::promise<answer>>();
  auto waits = given->get_future();
  {
    provider_keys keys{catalog, told, how};
    keys.next("x", [given = std::move(given)](answer key) { given->set_value(std::move(key)); });
  } // waits for nobody
  opened.set_value();
  EXPECT_THROW(waits.get(), std::future_error) << "it was dropped";
}

TEST_F(keys_of_providers, are_cut_out_of_texts_also_the_one_before) {
  auto path = put("key", "PlainMarkerOne");
  auto keys = with({{{key_place::sort::file, path}}, {{key_place::sort::file, put("b", "x")}}});
  EXPECT_EQ(next(keys), "PlainMarkerOne");
  put("key", "PlainMarkerOneAndMore");
  next(keys);
  EXPECT_EQ(keys.without_keys("x", "bad PlainMarkerOne, PlainMarkerOneAndMore: does not exist"),
            "bad ***, ***: does not exist");
  EXPECT_EQ(keys.without_keys("y", "bad PlainMarkerOne"), "bad PlainMarkerOne");
}

TEST_F(keys_of_providers, are_in_no_message_when_they_are_wrong) {
  auto two_lines = with({{{key_place::sort::file, put("k", "sk-marker\nX-Injected: 1")}}});
  EXPECT_THAT(next(two_lines), HasSubstr("holds something else than one key"));
  EXPECT_THAT(next(two_lines), Not(HasSubstr("marker")));
  auto empty = with({{{key_place::sort::file, put("e", "\n")}}});
  EXPECT_THAT(next(empty), HasSubstr("is empty"));
  auto unset = with({{{key_place::sort::variable, "TROUPE_TEST_KEY_UNSET"}}});
  EXPECT_EQ(next(unset), "provider x has no key that can be used: the variable "
                         "TROUPE_TEST_KEY_UNSET is not set");
}

} // namespace
} // namespace troupe
