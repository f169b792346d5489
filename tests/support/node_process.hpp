#pragma once
// `verge node start` as the process that users have, on free ports of loopback.

#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "eventually.hpp"
#include "temporary_folder.hpp"
#include "verge_program.hpp"

namespace verge::test {

/// Stopped with the object.
class NodeProcess {
 public:
  explicit NodeProcess(const std::string& folder, std::vector<std::string> arguments = {}) {
    std::vector<std::string> all = {"node",        "start",     "--dir",        folder,
                                    "--host",      "127.0.0.1", "--port",       "0",
                                    "--join-port", "0",         "--no-measure", "--json"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    child_ = start_verge(std::move(all), output_ / "out");
    EXPECT_TRUE(eventually([this] { return read_start(); })) << said();
  }
  ~NodeProcess() {
    if (child_ > 0) stop();
  }
  NodeProcess(const NodeProcess&) = delete;
  NodeProcess& operator=(const NodeProcess&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port("port")); }
  std::string join_address() const { return "127.0.0.1:" + std::to_string(port("join_port")); }
  int metrics_port() const { return port("metrics_port"); }
  /// By `number`; the exit status, or 128 + the signal.
  int stop(int number = SIGTERM) {
    ::kill(child_, number);
    return wait_child(std::exchange(child_, 0));
  }

 private:
  int port(const char* name) const { return start_.value(name, 0); }
  std::string said() const {
    std::ifstream file(output_ / "out");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool read_start() {
    start_ = nlohmann::json::parse(said(), nullptr, false);
    return start_.is_object() && start_.contains("port");
  }

  TemporaryFolder output_;
  pid_t child_ = 0;
  nlohmann::json start_;
};

}  // namespace verge::test
