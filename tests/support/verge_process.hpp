#pragma once
// `verge serve` as the process that users have, on a free port of loopback.

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "eventually.hpp"
#include "http_client.hpp"
#include "temporary_folder.hpp"
#include "verge_program.hpp"

namespace verge::test {

/// Killed with the object, if it still runs. What it prints is in folder/out.
class ServeProcess {
 public:
  /// `verge serve ARGUMENTS --port 0 --json`; returns when it is ready.
  explicit ServeProcess(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "serve");
    for (const char* word : {"--port", "0", "--threads", "1", "--json"}) {
      arguments.emplace_back(word);
    }
    child_ = start_verge(std::move(arguments), folder_ / "out");
    EXPECT_TRUE(eventually([this] { return has_ended() || read_port(); })) << said();
    EXPECT_TRUE(port_ != 0 && eventually([this] {
                  return has_ended() || HttpClient(port_).get("/health").status == 200;
                }))
        << said();
  }
  ~ServeProcess() {
    if (has_ended()) return;
    signal(SIGKILL);
    wait();
  }
  ServeProcess(const ServeProcess&) = delete;
  ServeProcess& operator=(const ServeProcess&) = delete;

  uint16_t port() const { return port_; }
  void signal(int number) const { ::kill(child_, number); }
  /// The exit status, or 128 + the signal.
  int wait() {
    if (!has_ended_) status_ = wait_child(child_);
    has_ended_ = true;
    return status_;
  }
  bool has_ended() {
    int status = 0;
    if (has_ended_ || ::waitpid(child_, &status, WNOHANG) != child_) return has_ended_;
    status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return has_ended_ = true;
  }
  std::string said() const {
    std::ifstream file(folder_ / "out");
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  bool read_port() {
    const std::string text = said();
    const auto line = nlohmann::json::parse(text.substr(0, text.find('\n')), nullptr, false);
    if (text.find('\n') == std::string::npos || !line.is_object()) return false;
    port_ = line.value("port", uint16_t{0});
    return true;
  }

  TemporaryFolder folder_;
  pid_t child_ = -1;
  uint16_t port_ = 0;
  bool has_ended_ = false;
  int status_ = -1;
};

}  // namespace verge::test
