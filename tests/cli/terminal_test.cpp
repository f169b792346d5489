// The program at a terminal, and stopped from outside: line editing, history, Ctrl-C, Ctrl-D, a
// reader that goes away. Every wait ends by itself.

#include <csignal>
#include <filesystem>
#include <fstream>

#include <child_process.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <paths.hpp>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <temporary_folder.hpp>
#include <tiny_model.hpp>
#include <unistd.h>

#include <verge/core/file.hpp>

namespace verge::cli {
namespace {

constexpr int kPatienceMs = 60'000;

std::string shipped_model() {
  return test::source_file("models/verge-lm.gguf");
}

[[noreturn]] void become_verge(std::vector<std::string> words, const std::string& state) {
  ::setenv("VERGE_CONFIG", "/nonexistent", 1);
  ::setenv("VERGE_HOME", "/nonexistent", 1);
  ::setenv("XDG_STATE_HOME", state.c_str(), 1);
  ::setenv("TERM", "vt100", 1);
  words.insert(words.begin(), std::string(test::kBinaryDirectory) + "/verge");
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
    const int status = test::wait_child(child_);
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
    child_ = test::start_child([&]() -> int {
      ::dup2(ends[1], STDOUT_FILENO);
      ::dup2(::open(errors.c_str(), O_CREAT | O_WRONLY, 0600), STDERR_FILENO);
      become_verge(std::move(words), "/nonexistent");
    });
    ::close(ends[1]);
    out_ = ends[0];
  }
};

class TerminalTest : public testing::Test {
 protected:
  std::vector<std::string> chat(const std::string& model) {
    return {"chat", model, "--quiet", "--threads", "1", "--temp", "0"};
  }
  std::string errors() {
    const auto text = read_whole_file(folder_ / "err", 1 << 20);
    return text ? *text : "";
  }

  test::TemporaryFolder folder_;
  std::string tiny_ = test::tiny_model(folder_);
};

TEST_F(TerminalTest, ALineCanBeEditedAndIsRememberedByTheNextTalk) {
  {
    AtTerminal talk(chat(tiny_), folder_ / "state");
    ASSERT_TRUE(talk.says("> ")) << talk.said();
    talk.type("/stax\x7fts\r");  // backspace
    EXPECT_TRUE(talk.says("context: 0 of")) << talk.said();
    EXPECT_TRUE(talk.says("> ")) << talk.said();
    talk.type("tats\x01/s\r");  // to the beginning
    EXPECT_TRUE(talk.says("context: 0 of")) << talk.said();
    EXPECT_TRUE(talk.says("> ")) << talk.said();
    EXPECT_EQ(talk.end_by("\x04"), 0) << talk.said();
  }
  AtTerminal next(chat(tiny_), folder_ / "state");
  ASSERT_TRUE(next.says("> ")) << next.said();
  next.type("\x10\r");  // the line before
  EXPECT_TRUE(next.says("context: 0 of")) << next.said();
  EXPECT_EQ(next.end_by("/quit\r"), 0) << next.said();
}

TEST_F(TerminalTest, CtrlCAtThePromptGivesUpTheLineAlone) {
  AtTerminal talk(chat(tiny_), folder_ / "state");
  ASSERT_TRUE(talk.says("> ")) << talk.said();
  for (int line = 0; line < 2; ++line) {  // with some text, and without
    if (line == 0) talk.type("half a li");
    EXPECT_TRUE(line > 0 || talk.says("li")) << talk.said();
    bool prompts = false;  // one that comes between two reads of libedit is only seen by the next
    for (int tries = 0; tries < 100 && !prompts; ++tries) {
      talk.type("\x03");
      prompts = talk.says("> ", 500);
    }
    EXPECT_TRUE(prompts) << talk.said();
  }
  talk.type("/stats\r");
  EXPECT_TRUE(talk.says("context: 0 of")) << talk.said();
  EXPECT_TRUE(talk.says("> ")) << talk.said();
  EXPECT_EQ(talk.end_by("\x04"), 0) << talk.said();
}

TEST_F(TerminalTest, CtrlCStopsTheAnswerAndNotTheTalk) {
  AtTerminal talk(chat(shipped_model()), folder_ / "state");
  ASSERT_TRUE(talk.says("> ")) << talk.said();
  talk.type("Go on\r");
  ASSERT_TRUE(talk.says("\n")) << talk.said();
  ASSERT_TRUE(talk.says("e")) << talk.said();  // of the answer
  talk.type("\x03");
  EXPECT_TRUE(talk.says("> ")) << talk.said();
  bool is_told = false;  // where the answer was over, the next line is given up instead
  for (int tries = 0; tries < 100 && !is_told; ++tries) {
    talk.type("/stats\r");
    is_told = talk.says("last answer:", 500);
  }
  EXPECT_TRUE(is_told) << talk.said();
  EXPECT_TRUE(talk.says("> ")) << talk.said();
  EXPECT_EQ(talk.end_by("/quit\r"), 0) << talk.said();
}

TEST_F(TerminalTest, AnInterruptedRunKeepsWhatItHas) {
  Piped run({"run", shipped_model(), "-p", "In the", "-n", "-1", "--ignore-end", "-t", "1"},
            folder_ / "err");
  ASSERT_TRUE(run.says("e")) << run.said();
  run.signal(SIGINT);
  EXPECT_EQ(run.end(), 0) << errors();
  EXPECT_TRUE(run.said().ends_with('\n'));
  EXPECT_NE(errors().find("answer:"), std::string::npos) << errors();
}

TEST_F(TerminalTest, ARunWhoseReaderGoesAwayEndsInSilence) {
  Piped run({"run", shipped_model(), "-p", "In the", "-n", "-1", "--ignore-end", "-t", "1"},
            folder_ / "err");
  run.stop_reading();
  EXPECT_EQ(run.end(), 1) << errors();
  EXPECT_EQ(errors(), "");
}

TEST_F(TerminalTest, AnInterruptedTrainingLeavesACheckpointToGoOnFrom) {
  const std::string text = folder_ / "text.txt", out = folder_ / "out.gguf";
  std::ofstream file(text);
  for (int i = 0; i < 4000; ++i) file << "line " << i * 7919 % 1000 << " of the text\n";
  file.close();
  const std::string kept = folder_ / "kept";
  const std::vector<std::string> command = {"train",
                                            "lm",
                                            text,
                                            "--vocabulary",
                                            "300",
                                            "--d-model",
                                            "32",
                                            "--layers",
                                            "1",
                                            "--heads",
                                            "2",
                                            "--kv-heads",
                                            "1",
                                            "--ffn",
                                            "64",
                                            "--context",
                                            "32",
                                            "--batch",
                                            "2",
                                            "--steps",
                                            "1000000",
                                            "--threads",
                                            "1",
                                            "--json",
                                            "-o",
                                            folder_ / "o",
                                            "--checkpoint",
                                            kept};
  Piped train(command, folder_ / "err");
  ASSERT_TRUE(train.says("\"step\":")) << train.said() << errors();
  train.signal(SIGINT);
  EXPECT_EQ(train.end(), 0) << errors();
  EXPECT_TRUE(train.says("\"finished\":false")) << train.said();
  EXPECT_TRUE(std::filesystem::exists(kept));
  Piped again(command, folder_ / "err");
  ASSERT_TRUE(again.says("\"step\":")) << again.said() << errors();
  EXPECT_NE(again.said().compare(again.said().find("\"step\":"), 9, "\"step\":1,"), 0)
      << again.said();
  again.signal(SIGINT);
  EXPECT_EQ(again.end(), 0) << errors();
}

}  // namespace
}  // namespace verge::cli
