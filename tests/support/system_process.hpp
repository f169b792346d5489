#pragma once
// A program beside the test, in a network of its own if it shall be. It ends with the object, and
// with the test program, however that ends.

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "child_process.hpp"
#include "paths.hpp"
#include "temporary_folder.hpp"

namespace verge::test {

class SystemProcess {
 public:
  /// `network`: the name of a network namespace (`ip netns`); empty: that of the test.
  explicit SystemProcess(std::vector<std::string> words, const std::string& network = "") {
    const std::string out = folder_ / "out", err = folder_ / "err";
    child_ = start_child([&] {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const std::string name = "/run/netns/" + network;
      if (!network.empty() && ::setns(::open(name.c_str(), O_RDONLY), CLONE_NEWNET) != 0) return 98;
      ::dup2(::open(out.c_str(), O_CREAT | O_WRONLY, 0600), STDOUT_FILENO);
      ::dup2(::open(err.c_str(), O_CREAT | O_WRONLY, 0600), STDERR_FILENO);
      ::setenv("VERGE_CONFIG", "/nonexistent", 1);
      ::setenv("VERGE_HOME", "/nonexistent", 0);
      std::vector<char*> pointers;
      for (std::string& word : words) pointers.push_back(word.data());
      pointers.push_back(nullptr);
      ::execvp(pointers[0], pointers.data());
      return 99;
    });
  }
  ~SystemProcess() {
    if (!status_) end(SIGKILL);
  }
  SystemProcess(const SystemProcess&) = delete;
  SystemProcess& operator=(const SystemProcess&) = delete;

  /// The exit status, or 128 + the signal.
  int end(int signal) {
    if (status_) return *status_;
    ::kill(child_, signal);
    status_ = wait_child(child_);
    return *status_;
  }
  /// The same of one that ends by itself; nothing where it has not within that time.
  std::optional<int> wait(double seconds) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (!status_) {
      int status = 0;
      if (::waitpid(child_, &status, WNOHANG) == child_) {
        status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
      } else if (std::chrono::steady_clock::now() > until) {
        break;
      } else {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
    return status_;
  }
  std::string out() const { return text_of("out"); }
  std::string err() const { return text_of("err"); }
  /// What it printed, as JSON; no object where it is none (yet).
  nlohmann::json json() const { return nlohmann::json::parse(out(), nullptr, false); }

 private:
  std::string text_of(const std::string& name) const {
    std::ifstream file(folder_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TemporaryFolder folder_;
  pid_t child_ = 0;
  std::optional<int> status_;
};

/// `verge ARGUMENTS` of the build that is tested.
inline std::vector<std::string> verge_words(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), std::string(kBinaryDirectory) + "/verge");
  return arguments;
}

/// The JSON that a call of verge printed; a failure, and no object, where it did not end well.
inline nlohmann::json json_of(std::vector<std::string> arguments, const std::string& network = "",
                              double limit_s = 20) {
  arguments.emplace_back("--json");
  SystemProcess process(verge_words(std::move(arguments)), network);
  const std::optional<int> status = process.wait(limit_s);
  EXPECT_EQ(status.value_or(-1), 0) << process.err();
  return process.json();
}

}  // namespace verge::test
