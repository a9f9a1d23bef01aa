#include "tests/e2e/e2e.hpp"

/// Hundreds of roles: the cluster's answer about them is far larger than a frame.
namespace troupe::tests {

namespace {

using ::testing::HasSubstr;

constexpr int count = 500;
constexpr std::size_t description_bytes = 2'048;

class many_roles : public e2e_test {
protected:
  std::filesystem::path roles(const std::string& stem) {
    auto folder = user.path() / ("roles-" + stem);
    std::filesystem::create_directories(folder);
    for (int i = 0; i < count; ++i) {
      auto called = stem + std::to_string(i);
      write_file(folder / (called + ".yaml"), "role: " + called + "\ndescription: \""
                                                  + std::string(description_bytes, 'd')
                                                  + "\"\nmind: echo\n");
    }
    return folder;
  }
};

} // namespace

TEST_F(many_roles, with_long_descriptions_start_and_are_listed_whole) {
  cluster two{user, {.nodes = 2, .arguments = {"--set", "node.roles=" + roles("many").string()}}};
  auto listed = user.troupe({"roles", "--json"});
  ASSERT_TRUE(listed.ok()) << listed.shown();
  std::size_t found = 0;
  auto told = listed.parsed();
  for (const auto& role : told.at("roles"))
    found += role.at("description").get<std::string>().size() == description_bytes;
  EXPECT_EQ(found, static_cast<std::size_t>(count));
  EXPECT_EQ(nodes_in(json::parse(user.troupe({"status", "--json"}).out)).size(), 2u);
  auto asked = user.troupe({"send", "many499/a", "hello"});
  EXPECT_TRUE(asked.ok()) << asked.shown();
  EXPECT_THAT(asked.out, HasSubstr("hello"));
  auto wrong = user.troupe({"send", "mani499/a", "hello"});
  EXPECT_EQ(wrong.ended.code, 64) << wrong.shown();
  EXPECT_THAT(wrong.err, HasSubstr("many499"));
  auto run = user.troupe({"run", "chain"});
  EXPECT_TRUE(run.ok()) << run.shown();
}

} // namespace troupe::tests
