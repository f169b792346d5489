// Programs of language models answer as `verge run` does, here and emulated.

#include <verge/cli/language_emit.hpp>
#include <verge/core/run_program.hpp>

#include "command_line.hpp"
#include "shared_data.hpp"
#include "tiny_models.hpp"

namespace verge::cli {
namespace {

bool has_program(const char* command) {
  const auto found = run_program({"sh", "-c", fmt::format("command -v {}", command)});
  return found && found->status == 0;
}

class LanguageEmit : public testing::Test {
 protected:
  std::string compile(const std::string& model, const std::string& target) {
    const std::string program = folder_ / target;
    const auto json = test::run_json(
        {"compile", model, "--context", "128", "--emit", "elf", "--target", target, "-o", program});
    test::expect_fields(
        json, {"nodes", "arena_bytes", "weight_bytes", "state_bytes", "output", "program_bytes"});
    return program;
  }

  // The greedy answer of `verge run`, its tokens one a line.
  std::string wanted(const std::string& model, const std::string& prompt) {
    const auto json = test::run_json(
        {"run", model, "--context", "128", "-t", "1", "--temp", "0", "-n", "60", "-p", prompt});
    std::string tokens;
    for (const int32_t token : json["tokens"]) tokens += fmt::format("{}\n", token);
    text_ = json["text"];
    return tokens;
  }

  enum class Answer { Text, TokensAlone };

  void expect_answers(const std::string& model, const std::vector<std::string>& prompts,
                      Answer answer = Answer::Text) {
    for (const char* target : {"host", "aarch64"}) {
      const bool is_here = target == std::string("host");
      if (!is_here &&
          !(has_program("aarch64-linux-gnu-gcc") && has_program("qemu-aarch64-static"))) {
        GTEST_SKIP() << "no aarch64-linux-gnu-gcc or qemu-aarch64-static here";
      }
      const std::string program = compile(model, target);
      for (const std::string& prompt : prompts) {
        std::vector<std::string> words = {program, "-p", prompt, "-n", "60", "--quiet"};
        if (!is_here) words.insert(words.begin(), "qemu-aarch64-static");
        const std::string tokens = wanted(model, prompt);
        if (answer == Answer::Text) {
          EXPECT_EQ(run_program(words)->output, text_ + "\n") << target << ": " << prompt;
        }
        words.push_back("--ids");
        EXPECT_EQ(run_program(words)->output, tokens) << target << ": " << prompt;
      }
    }
  }

  test::TemporaryFolder folder_;
  std::string text_;
};

TEST_F(LanguageEmit, TheShippedModelAnswersTheSame) {
  expect_answers(test::repository_model(),
                 {"In the beginning", "And Moses said unto", "12 \xc3\xa9"});
}

TEST_F(LanguageEmit, AModelOfSentencePieceAnswersTheSame) {
  const std::string model = test::shared_data("models/stories260K.gguf");
  if (model.empty()) GTEST_SKIP() << "no shared data: stories260K.gguf";
  expect_answers(model, {"Once upon a time", "Lily's dog,  \xe4\xb8\xad"});
}

// Of f32: `verge run` rounds what it multiplies blocks of 4 bits by to 8, and random logits lie
// close together. What they spell is no UTF-8, which a program prints as it is.
TEST_F(LanguageEmit, OtherFamiliesAnswerTheSame) {
  expect_answers(test::write_model(folder_, test::wide_spec("tiny-qwen2"), DType::F32),
                 {"Once upon a time"}, Answer::TokensAlone);
}

TEST_F(LanguageEmit, CIsStrictAndHasAHeader) {
  const auto json = test::run_json(
      {"compile", test::repository_model(), "--emit", "c", "-o", folder_ / "story.c"});
  EXPECT_EQ(json["header"], folder_ / "story.h");
  for (const char* compiler : {"gcc", "clang", "aarch64-linux-gnu-gcc"}) {
    if (!has_program(compiler)) continue;
    const auto built =
        run_program({compiler, "-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c",
                     "-o", folder_ / "story.o", folder_ / "story.c"});
    ASSERT_TRUE(built) << built.error().message;
    EXPECT_EQ(built->status, 0) << compiler << ": " << built->output;
  }
}

TEST_F(LanguageEmit, SaysWhatDoesNotFit) {
  const std::string model = test::repository_model();
  test::expect_refused(
      test::run_verge({"compile", model, "--emit", "c", "--shape", "x=1", "-o", folder_ / "a.c"}),
      2, "--context");
  test::expect_refused(
      test::run_verge({"compile", model, "--emit", "c", "--kv", "q8_0", "-o", folder_ / "a.c"}), 1,
      "a cache of q8_0 has no C");
  test::expect_refused(
      test::run_verge({"compile", model, "--emit", "c", "--batch", "8", "-o", folder_ / "a.c"}), 2,
      "--batch is for plans");
  const std::string other = test::rewrite_model(
      test::write_model(folder_, test::tiny_spec("tiny-qwen2")), "-bloom",
      [](format::Metadata& metadata) { metadata.set("tokenizer.ggml.pre", "bloom"); });
  test::expect_refused(test::run_verge({"compile", other, "--emit", "elf", "-o", folder_ / "a"}), 1,
                       "\"bloom\" does, which has no C");
  EXPECT_EQ(test::run_verge({"compile", other, "--emit", "c", "-o", folder_ / "a.c"}).status, 0);
}

}  // namespace
}  // namespace verge::cli
