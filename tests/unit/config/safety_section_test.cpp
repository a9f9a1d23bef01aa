#include "config/safety_section.hpp"

#include "config/config.hpp"
#include "config/limits/safety.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace troupe {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto at(safety_check check) { return static_cast<std::size_t>(check); }

class configured_safety : public ::testing::Test {
protected:
  configured_safety()
      : folder_(std::filesystem::temp_directory_path()
                / ("troupe-safety-" + std::to_string(::getpid()) + "-"
                   + ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::create_directories(folder_);
  }
  ~configured_safety() override { std::filesystem::remove_all(folder_); }

  config_result<node_config> load(const std::string& text) const {
    std::ofstream{folder_ / "troupe.yaml"} << text;
    config_sources sources;
    sources.file = folder_ / "troupe.yaml";
    return load_config(sources);
  }
  std::string error_of(const std::string& text) const {
    auto loaded = load(text);
    return loaded ? "no error" : to_string(loaded.error());
  }

  std::filesystem::path folder_;
};

TEST_F(configured_safety, is_off_without_its_section) {
  auto cfg = load("node:\n  name: one\n");
  ASSERT_TRUE(cfg) << to_string(cfg.error());
  EXPECT_EQ(cfg->safety, safety_config{});
  EXPECT_EQ(show_safety(cfg->safety), "");
  cfg = load("safety:\n  # asked: {secret: block}\n");
  ASSERT_TRUE(cfg) << to_string(cfg.error());
  EXPECT_EQ(cfg->safety, safety_config{}) << "all of it is commented out";
}

TEST_F(configured_safety, masks_secrets_and_numbers_of_money_unless_it_says_otherwise) {
  auto cfg = load("safety: {}\n");
  ASSERT_TRUE(cfg) << to_string(cfg.error());
  EXPECT_EQ(cfg->safety.all, usual_safety());
  cfg = load("safety:\n  asked: {secret: off}\n");
  ASSERT_TRUE(cfg) << to_string(cfg.error());
  EXPECT_EQ(cfg->safety.all.asked[at(safety_check::secret)], safety_action::off);
  EXPECT_EQ(cfg->safety.all.asked[at(safety_check::card)], safety_action::mask);
  EXPECT_EQ(cfg->safety.all.data[at(safety_check::secret)], safety_action::mask);
}

constexpr const char* whole_section = R"(safety:
  asked: {secret: block, email: mask, injection: flag}
  answered: {size: flag}
  bytes_max: 100KiB
  denied: [project falcon, "off", "it: is"]
  roles:
    poet: {asked: {email: off}, denied: []}
    plain: {}
  tenants:
    acme:
      data: {injection: block}
      bytes_max: 5000
)";

TEST_F(configured_safety, is_shown_so_that_it_can_be_read_back) {
  auto cfg = load(whole_section);
  ASSERT_TRUE(cfg) << to_string(cfg.error());
  const auto& safety = cfg->safety;
  EXPECT_EQ(safety.all.bytes_max, 100u * 1'024);
  EXPECT_THAT(*safety.all.denied, ElementsAre("project falcon", "off", "it: is"));
  EXPECT_TRUE(safety.roles.at("poet").denied->empty());
  EXPECT_FALSE(safety.roles.at("poet").asked[at(safety_check::secret)]) << "it says nothing";
  EXPECT_EQ(safety.tenants.at("acme").bytes_max, 5'000u);
  auto again = load(show_config(*cfg));
  ASSERT_TRUE(again) << to_string(again.error());
  EXPECT_EQ(again->safety, safety);
}

TEST_F(configured_safety, takes_phrases_from_a_file_beside_it) {
  std::ofstream{folder_ / "denied.txt"} << "# ours\nproject falcon\n\n  \nblue door\r\n";
  auto cfg = load("safety:\n  denied: [red]\n  denied_file: denied.txt\n");
  ASSERT_TRUE(cfg) << to_string(cfg.error());
  EXPECT_THAT(*cfg->safety.all.denied, ElementsAre("red", "project falcon", "blue door"));
}

TEST_F(configured_safety, says_what_is_wrong_and_where) {
  EXPECT_THAT(error_of("safety:\n  asked: {secret: hide}\n"),
              HasSubstr("troupe.yaml:2:19: secret: expected off, flag, mask or block, found "
                        "\"hide\""));
  EXPECT_THAT(error_of("safety:\n  asked: {secrets: mask}\n"), HasSubstr("did you mean secret?"));
  EXPECT_THAT(error_of("safety:\n  aksed: {secret: mask}\n"), HasSubstr("did you mean asked?"));
  EXPECT_THAT(error_of("safty:\n  asked: {}\n"), HasSubstr("did you mean safety?"));
  EXPECT_THAT(error_of("safety:\n  data: {size: mask}\n"), HasSubstr("there is nothing to mask"));
  EXPECT_THAT(error_of("safety: on\n"), HasSubstr("safety: expected a mapping, found \"on\""));
  EXPECT_THAT(error_of("safety:\n  bytes_max: much\n"), HasSubstr("expected an amount of bytes"));
  EXPECT_THAT(error_of("safety:\n  bytes_max: 0\n"), HasSubstr("expected an amount of bytes"));
  EXPECT_THAT(error_of("safety:\n  denied: [\" \"]\n"), HasSubstr("found only blanks"));
  EXPECT_THAT(error_of("safety:\n  denied: falcon\n"), HasSubstr("expected a list of phrases"));
  EXPECT_THAT(error_of("safety:\n  denied_file: none.txt\n"),
              HasSubstr("troupe.yaml:2:16: denied_file: cannot read"));
  EXPECT_THAT(error_of("safety:\n  roles: {a b: {}}\n"),
              HasSubstr("safety.roles: expected 1 to 64"));
  EXPECT_THAT(error_of("safety:\n  tenants: {acme: {asked: {card: no}}}\n"),
              HasSubstr("card: expected off, flag, mask or block"));
}

TEST_F(configured_safety, names_the_line_of_a_deny_list) {
  std::ofstream{folder_ / "denied.txt"} << "fine\n"
                                        << std::string(limits::deny_phrase_bytes_max + 1, 'x')
                                        << "\n";
  EXPECT_THAT(error_of("safety:\n  denied_file: denied.txt\n"),
              HasSubstr("denied.txt:2: a deny list: expected at most 200 bytes a phrase"));
}

TEST_F(configured_safety, is_described_with_the_other_keys) {
  EXPECT_THAT(describe_config(), HasSubstr("safety.asked"));
}

} // namespace
} // namespace troupe
