#include "nodes/cluster_setup.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstdlib>
#include <fstream>

namespace troupe {

namespace fs = std::filesystem;

namespace {

class cluster_setup_of : public testing::Test {
protected:
  cluster_setup_of() {
    auto pattern = (fs::temp_directory_path() / "troupe-setup-XXXXXX").string();
    options_.data = ::mkdtemp(pattern.data());
    options_.program = "/bin/true";
    options_.random = [this] { return random_ = random_ * 6364136223846793005ULL + 12345; };
  }
  ~cluster_setup_of() override { fs::remove_all(options_.data); }

  std::uint64_t random_ = 42;
  cluster_setup_options options_;
};

} // namespace

TEST_F(cluster_setup_of, a_new_folder_gets_everything_its_nodes_need) {
  options_.cfg.queue.tasks_max = 77;
  auto setup = prepare_cluster(options_);
  ASSERT_TRUE(setup) << setup.error().message;
  EXPECT_TRUE(setup->is_new);
  ASSERT_EQ(setup->nodes.size(), 3u);
  for (const auto& node : setup->nodes) {
    config_sources sources;
    sources.file = node_folder(options_.data, node.name) / "node.yaml";
    auto cfg = load_config(sources);
    ASSERT_TRUE(cfg) << to_string(cfg.error());
    EXPECT_EQ(cfg->node.name, node.name);
    EXPECT_EQ(cfg->node.id, node.id);
    EXPECT_EQ(cfg->node.listen, node.address);
    EXPECT_EQ(cfg->node.data, node_folder(options_.data, node.name));
    EXPECT_EQ(cfg->cluster.members.size(), 3u);
    EXPECT_EQ(cfg->cluster.secret_file, secret_path(options_.data));
    EXPECT_EQ(cfg->queue.tasks_max, 77u);
    EXPECT_EQ(node.command.arguments[2], sources.file.string());
  }
  EXPECT_TRUE(fs::exists(secret_path(options_.data)));
}

TEST_F(cluster_setup_of, paths_in_the_environment_outlast_the_folder_that_they_count_from) {
  ::setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", "c.pem", 1);
  ::setenv("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/k.pem", 1);
  ::setenv("SSL_CERT_FILE", "", 1);
  keep_environment_paths();
  EXPECT_EQ(std::getenv("OTEL_EXPORTER_OTLP_CERTIFICATE"), (fs::current_path() / "c.pem").string());
  EXPECT_STREQ(std::getenv("OTEL_EXPORTER_OTLP_CLIENT_KEY"), "/k.pem");
  EXPECT_STREQ(std::getenv("SSL_CERT_FILE"), "");
  for (auto each :
       {"OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_KEY", "SSL_CERT_FILE"})
    ::unsetenv(each);
}

TEST_F(cluster_setup_of, names_ids_and_ports_stay_over_a_restart) {
  options_.nodes = 2;
  std::vector<local_node> before;
  {
    auto setup = prepare_cluster(options_);
    ASSERT_TRUE(setup) << setup.error().message;
    before = setup->nodes;
  }
  options_.nodes = 0; // as many as the folder has
  auto again = prepare_cluster(options_);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_FALSE(again->is_new);
  ASSERT_EQ(again->nodes.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(again->nodes[i].id, before[i].id);
    EXPECT_EQ(again->nodes[i].address, before[i].address);
    EXPECT_EQ(again->nodes[i].http_address, before[i].http_address);
  }
}

TEST_F(cluster_setup_of, a_port_that_was_taken_meanwhile_is_replaced) {
  options_.nodes = 1;
  std::string before;
  {
    auto setup = prepare_cluster(options_);
    ASSERT_TRUE(setup);
    before = setup->nodes[0].address;
  }
  auto place = parse_address(before);
  ASSERT_TRUE(place);
  auto taken = listen_on(*place);
  ASSERT_TRUE(taken) << taken.error().message;
  auto again = prepare_cluster(options_);
  ASSERT_TRUE(again);
  EXPECT_NE(again->nodes[0].address, before);
}

TEST_F(cluster_setup_of, another_number_of_nodes_is_refused_with_the_difference) {
  options_.nodes = 2;
  { ASSERT_TRUE(prepare_cluster(options_)); }
  options_.nodes = 5;
  auto refused = prepare_cluster(options_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ec::invalid_argument);
  EXPECT_NE(refused.error().message.find("holds a cluster of 2 nodes, not of 5"), std::string::npos)
      << refused.error().message;
}

TEST_F(cluster_setup_of, a_damaged_folder_is_not_overwritten) {
  std::ofstream(cluster_file_path(options_.data)) << "nodes: {\n";
  auto refused = prepare_cluster(options_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ec::bad_message);
}

} // namespace troupe
