// The program at a terminal, and stopped from outside: line editing, history, Ctrl-C, Ctrl-D, a
// reader that goes away.

#include <filesystem>
#include <fstream>

#include <at_terminal.hpp>
#include <temporary_folder.hpp>
#include <tiny_model.hpp>

#include <verge/core/file.hpp>

namespace verge::cli {
namespace {

using test::AtTerminal;
using test::Piped;

std::string shipped_model() {
  return test::source_file("models/verge-lm.gguf");
}

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
    ASSERT_TRUE(talk.prompts()) << talk.said();
    talk.type("/stax\x7fts\r");  // backspace
    EXPECT_TRUE(talk.says("context: 0 of")) << talk.said();
    EXPECT_TRUE(talk.prompts()) << talk.said();
    talk.type("tats\x01/s\r");  // to the beginning
    EXPECT_TRUE(talk.says("context: 0 of")) << talk.said();
    EXPECT_TRUE(talk.prompts()) << talk.said();
    EXPECT_EQ(talk.end_by("\x04"), 0) << talk.said();
  }
  AtTerminal next(chat(tiny_), folder_ / "state");
  ASSERT_TRUE(next.prompts()) << next.said();
  next.type("\x10\r");  // the line before
  EXPECT_TRUE(next.says("context: 0 of")) << next.said();
  EXPECT_EQ(next.end_by("/quit\r"), 0) << next.said();
}

TEST_F(TerminalTest, CtrlCAtThePromptGivesUpTheLineAlone) {
  AtTerminal talk(chat(tiny_), folder_ / "state");
  ASSERT_TRUE(talk.prompts()) << talk.said();
  for (int line = 0; line < 2; ++line) {  // with some text, and without
    if (line == 0) talk.type("half a li");
    EXPECT_TRUE(line > 0 || talk.says("li")) << talk.said();
    bool prompts = false;  // one that comes between two reads of libedit is only seen by the next
    for (int tries = 0; tries < 100 && !prompts; ++tries) {
      talk.type("\x03");
      prompts = talk.prompts(500);
    }
    EXPECT_TRUE(prompts) << talk.said();
  }
  talk.type("/stats\r");
  EXPECT_TRUE(talk.says("context: 0 of")) << talk.said();
  EXPECT_TRUE(talk.prompts()) << talk.said();
  EXPECT_EQ(talk.end_by("\x04"), 0) << talk.said();
}

TEST_F(TerminalTest, CtrlCStopsTheAnswerAndNotTheTalk) {
  AtTerminal talk(chat(shipped_model()), folder_ / "state");
  ASSERT_TRUE(talk.prompts()) << talk.said();
  talk.type("Go on\r");
  ASSERT_TRUE(talk.says("\n")) << talk.said();
  ASSERT_TRUE(talk.says("e")) << talk.said();  // of the answer
  talk.type("\x03");
  EXPECT_TRUE(talk.prompts()) << talk.said();
  bool is_told = false;  // where the answer was over, the next line is given up instead
  for (int tries = 0; tries < 100 && !is_told; ++tries) {
    talk.type("/stats\r");
    is_told = talk.says("last answer:", 500);
  }
  EXPECT_TRUE(is_told) << talk.said();
  EXPECT_TRUE(talk.prompts()) << talk.said();
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
