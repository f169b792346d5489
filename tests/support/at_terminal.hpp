#pragma once
// The program at a terminal, or with a pipe for its output. Every wait ends by itself.

#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "child_process.hpp"
#include "eventually.hpp"
#include "paths.hpp"

namespace verge::test {

constexpr int kPatienceMs = 60'000;

[[noreturn]] inline void become_verge(std::vector<std::string> words, const std::string& state) {
  ::setenv("VERGE_CONFIG", "/nonexistent", 1);
  ::setenv("VERGE_HOME", "/nonexistent", 1);
  ::setenv("XDG_STATE_HOME", state.c_str(), 1);
  ::setenv("TERM", "vt100", 1);
  words.insert(words.begin(), std::string(kBinaryDirectory) + "/verge");
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execv(pointers.front(), pointers.data());
  ::_exit(99);
}

// A running verge whose output is read from one descriptor.
class Running {
 public:
  ~Running() {
    if (child_ > 0) ::kill(child_, SIGKILL), (void)wait();
    if (out_ >= 0) ::close(out_);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  // Whether this was said after what has been expected so far.
  bool says(const std::string& text, int patience_ms = kPatienceMs) {
    size_t at;
    while ((at = said_.find(text, from_)) == std::string::npos) {
      if (!read_more(patience_ms)) return false;
    }
    from_ = at + text.size();
    return true;
  }
  void signal(int number) const { ::kill(child_, number); }
  void stop_reading() {
    ::close(out_);
    out_ = -1;
  }
  // Reads to the end; the exit status, or 128 + the signal, which is our own where there is no end.
  int end() {
    if (out_ >= 0 && !closes(kPatienceMs)) ::kill(child_, SIGKILL);
    return wait();
  }
  const std::string& said() const { return said_; }

 protected:
  Running() = default;

  bool read_more(int patience_ms = kPatienceMs) {
    pollfd ready{out_, POLLIN, 0};
    if (::poll(&ready, 1, patience_ms) <= 0) return false;
    char bytes[4096];
    const ssize_t count = ::read(out_, bytes, sizeof(bytes));
    if (count <= 0) return false;
    said_.append(bytes, static_cast<size_t>(count));
    return true;
  }

  // Whether all has been said, with no longer pause than this.
  bool closes(int patience_ms) {
    pollfd ready{out_, POLLIN, 0};
    while (::poll(&ready, 1, patience_ms) > 0) {
      if (!read_more(0)) return true;
    }
    return false;
  }

  pid_t child_ = -1;
  int out_ = -1;

 private:
  int wait() {
    const int status = wait_child(child_);
    child_ = -1;
    return status;
  }

  std::string said_;
  size_t from_ = 0;
};

class AtTerminal : public Running {
 public:
  AtTerminal(std::vector<std::string> words, const std::string& state) {
    child_ = ::forkpty(&out_, nullptr, nullptr, nullptr);
    if (child_ == 0) become_verge(std::move(words), state);
  }
  // Whether it prompts and then reads keys: libedit takes the terminal from the kernel's own line
  // editing only after it has printed the prompt, and what is typed in between can be lost or stand
  // in the line as it is.
  bool prompts(int patience_ms = kPatienceMs) {
    return says("> ", patience_ms) && eventually([this] {
             termios state{};
             return ::tcgetattr(out_, &state) != 0 || (state.c_lflag & ICANON) == 0;
           });
  }
  void type(const std::string& keys) {
    EXPECT_EQ(::write(out_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  // A Ctrl-D that comes between two reads of libedit is lost: typed until it is heard.
  int end_by(const std::string& keys) {
    for (int tries = 0; tries < 100; ++tries) {
      (void)!::write(out_, keys.data(), keys.size());  // it may have ended
      if (closes(500)) break;
    }
    return end();
  }
};

class Piped : public Running {
 public:
  Piped(std::vector<std::string> words, const std::string& errors) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    child_ = start_child([&]() -> int {
      ::dup2(ends[1], STDOUT_FILENO);
      ::dup2(::open(errors.c_str(), O_CREAT | O_WRONLY, 0600), STDERR_FILENO);
      become_verge(std::move(words), "/nonexistent");
    });
    ::close(ends[1]);
    out_ = ends[0];
  }
};

}  // namespace verge::test
