#pragma once
// A fleet of two: home, whose node runs a split model's upper layers, and phone, which has the
// lower ones in a file.

#include <optional>
#include <string>

#include "command_line.hpp"
#include "node_process.hpp"
#include "paths.hpp"
#include "temporary_folder.hpp"

namespace verge::test {

class SplitFleetTest : public testing::Test {
 protected:
  // Home runs `model`, phone has edge.gguf.
  void start(const std::string& model) {
    run_json({"fit", "split", whole_, "-o", edge_, folder_ / "cloud.gguf"});
    run_json({"node", "init", "home", "--dir", home_});
    node_.emplace(home_, std::vector<std::string>{"--collab", model, "--threads", "1"});
    const std::string token = run_json({"node", "invite", "phone", "--dir", home_})["token"];
    run_json({"node", "join", node_->join_address(), token, "--dir", phone_});
  }

  TemporaryFolder folder_;
  std::string whole_ = source_file("models/verge-lm.gguf");
  std::string edge_ = folder_ / "edge.gguf", home_ = folder_ / "home", phone_ = folder_ / "phone";
  std::optional<NodeProcess> node_;
};

}  // namespace verge::test
