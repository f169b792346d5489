// A node's status as operators meet it: a node in a process of its own, scraped.

#include <command_line.hpp>
#include <exposition.hpp>
#include <gtest/gtest.h>
#include <http_client.hpp>
#include <node_process.hpp>
#include <paths.hpp>

#include <verge/cli/unix_time.hpp>

namespace verge::cli {
namespace {

class NodeStatusTest : public testing::Test {
 protected:
  void start(std::vector<std::string> more = {}) {
    test::run_json(
        {"fit", "split", test::source_file("models/verge-lm.gguf"), "-o", edge_, cloud_});
    test::run_json({"node", "init", "home", "--dir", home_});
    more.insert(more.end(),
                {"--collab", cloud_, "--threads", "1", "--metrics-port", "0", "--role", "cloud"});
    node_.emplace(home_, more);
    const std::string token = test::run_json({"node", "invite", "phone", "--dir", home_})["token"];
    test::run_json({"node", "join", node_->join_address(), token, "--dir", phone_});
  }
  nlohmann::json ask(int tokens) {
    return test::run_json({"run", edge_, "-p", "And it came to pass", "-n", std::to_string(tokens),
                           "--theta1", "1", "--theta2", "1", "--threads", "1", "--dir", phone_,
                           "--cloud", node_->address()});
  }
  test::HttpAnswer get(const std::string& path, const std::string& fields = "Host: localhost\r\n") {
    test::HttpClient client(static_cast<uint16_t>(node_->metrics_port()));
    client.send("GET " + path + " HTTP/1.1\r\n" + fields + "\r\n");
    return client.answer();
  }
  test::Exposition scrape() {
    const test::HttpAnswer answer = get("/metrics");
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(answer.field("content-type").starts_with("text/plain; version=0.0.4"));
    auto read = test::Exposition::parse(answer.body);
    EXPECT_EQ(read.error(), "");
    return read;
  }

  test::TemporaryFolder folder_;
  std::string edge_ = folder_ / "edge.gguf", cloud_ = folder_ / "cloud.gguf";
  std::string home_ = folder_ / "home", phone_ = folder_ / "phone";
  std::optional<test::NodeProcess> node_;
};

TEST_F(NodeStatusTest, ARunningNodeIsScraped) {
  start({"--mem", "64M", "--spill", folder_.path()});
  const test::Exposition before = scrape();
  const std::map<std::string, std::string> cloud = {{"model", "cloud"}};
  EXPECT_EQ(before.value("verge_collab_tokens_total", cloud), 0);
  EXPECT_EQ(before.value("verge_node_peers"), 0);
  const auto answer = ask(12);
  EXPECT_EQ(answer["places"]["cloud"], 12);
  const test::Exposition after = scrape();
  EXPECT_EQ(after.value("verge_collab_tokens_total", cloud), 12);
  EXPECT_EQ(after.value("verge_collab_finish_seconds_count", cloud), 12);
  EXPECT_GE(after.value("verge_node_bytes_total", {{"direction", "received"}}).value_or(0),
            answer["bytes_up"].get<double>() * 0.9);
  EXPECT_GT(after.value("verge_node_bytes_total", {{"direction", "sent"}}), 0);
  EXPECT_GT(after.value("verge_collab_layer_tokens_total", cloud), 12 * 4);
  EXPECT_GT(after.value("verge_process_resident_bytes"), 1 << 20);
  EXPECT_GT(after.value("verge_certificate_expiry_timestamp_seconds"), unix_time_s());
  const double pages = *after.value("verge_kv_pages", {{"model", "cloud"}, {"state", "free"}}) +
                       *after.value("verge_kv_pages", {{"model", "cloud"}, {"state", "used"}});
  const auto node = nlohmann::json::parse(get("/api/node").body);
  EXPECT_EQ(node["node"], "home");
  EXPECT_EQ(node["activity"], "running");
  EXPECT_EQ(node["collab"]["tokens"], 12);
  EXPECT_EQ(node["collab"]["kv"]["pages"], pages);
  EXPECT_LE(node["collab"]["states_bytes"], node["collab"]["states_limit_bytes"]);
  EXPECT_EQ(node_->stop(), 0);
}

TEST_F(NodeStatusTest, ServesItsPageToThisMachineAlone) {
  start();
  EXPECT_EQ(get("/health").status, 200);
  EXPECT_EQ(get("/").body, "home is running\n");
  const test::HttpAnswer page = get("/", "Host: localhost\r\nAccept: text/html\r\n");
  EXPECT_TRUE(page.status == 200 || page.field("location") == "/index.html#/node");
  for (const char* fields :
       {"Host: evil.example\r\n", "Host: localhost\r\nOrigin: http://evil.example\r\n"}) {
    EXPECT_EQ(get("/metrics", fields).status, 403) << fields;
  }
}

TEST_F(NodeStatusTest, ABudgetThatIsTooSmallIsRefusedWithTheLeast) {
  start();
  EXPECT_EQ(node_->stop(), 0);
  const auto words = [&](const std::string& memory) {
    return std::vector<std::string>{"node", "start",       "--dir", home_,          "--collab",
                                    cloud_, "--mem",       memory,  "--no-measure", "--port",
                                    "0",    "--join-port", "0"};
  };
  const test::Ran small = test::run_verge(words("10K"));
  test::expect_refused(small, 1, "or more");
  test::expect_refused(test::run_verge(words("900G")), 1, "available");
  const size_t give = small.err.find("give ") + 5;
  const std::string least = small.err.substr(give, small.err.find(" or more") - give);
  test::NodeProcess node(home_, {"--collab", cloud_, "--mem", least, "--threads", "1"});
  EXPECT_EQ(node.stop(), 0);
  auto nowhere = words("64M");
  nowhere.insert(nowhere.end(), {"--spill", "/absent/folder"});
  test::expect_refused(test::run_verge(nowhere), 1, "/absent/folder");
}

}  // namespace
}  // namespace verge::cli
