// A program around a model of token pairs: what follows depends on the last token alone.

#include <fstream>

#include <verge/core/run_program.hpp>
#include <verge/engine/emit/c_language_program.hpp>
#include <verge/engine/emit/program_build.hpp>

#include "c_check.hpp"

namespace verge::emit {
namespace {

constexpr int32_t kA = 259, kB = 260, kC = 261, kTokens = 262, kContext = 8;

std::unique_ptr<text::Tokenizer> letters() {
  text::Vocabulary vocabulary;
  vocabulary.model = "llama";
  const auto add = [&](const std::string& text, text::TokenType type) {
    vocabulary.tokens.push_back(text);
    vocabulary.types.push_back(static_cast<int32_t>(type));
  };
  add("<unk>", text::TokenType::Unknown);
  add("<s>", text::TokenType::Control);
  add("</s>", text::TokenType::Control);
  for (int i = 0; i < 256; ++i) add(fmt::format("<0x{:02X}>", i), text::TokenType::Byte);
  for (const char* text : {"a", "b",
                           "\xe2\x96\x81"
                           "c\xc3\xa9"})
    add(text, text::TokenType::Normal);
  vocabulary.add_space_prefix = false;
  return text::make_tokenizer(std::move(vocabulary)).value();
}

// The likeliest way: a, b, " cé", b or the end; after <s> a byte that is no text alone.
CSource pairs() {
  graph::Builder b("pairs");
  const auto table = b.param("table", {DType::F32, {kTokens, kTokens}});
  const auto tokens = b.input("tokens", {DType::I32, {1}});
  b.input("positions", {DType::I32, {1}});
  b.output(b.op("embedding", {table, tokens}), "logits");
  Tensor logits(DType::F32, {kTokens, kTokens});
  const auto set = [&](int32_t from, int32_t to, float logit) {
    logits.span<float>()[static_cast<size_t>(from * kTokens + to)] = logit;
  };
  for (int32_t i = 0; i < kTokens * kTokens; ++i)
    logits.span<float>()[static_cast<size_t>(i)] = -50;
  set(kA, kB, 1);
  set(kB, kC, 1);
  set(kC, 2, 1);  // </s>
  set(kC, kB, 0);
  set(2, kA, 1);
  set(3, 3 + 0xC3, 1);
  set(3 + 0xC3, 3 + 0xA9, 1);
  set(3 + 0xA9, 2, 1);
  // Drawn: "a" is followed by "b", or by half as many "a".
  set(kA, kA, 1 - 0.693147f);
  return emit_c(*b.finish(), [&](std::string_view) { return logits.view(); },
                {.name = "net",
                 .verb = "step",
                 .ranges = {{"tokens", kTokens}, {"positions", kContext}}})
      .value();
}

class LanguageProgram : public testing::Test {
 protected:
  LanguageProgram() {
    const auto main = c_language_program("net", *letters());
    EXPECT_TRUE(main) << main.error().message;
    const auto built = build_program(pairs(), "net", *main, Target::Host, folder_ / "program");
    EXPECT_TRUE(built) << built.error().message;
    folder_.add("net.c", *main);
    folder_.add("net.h", pairs().header);
  }

  std::string say(std::vector<std::string> arguments, int status = 0) {
    arguments.insert(arguments.begin(), {folder_ / "program", "--quiet"});
    const auto ran = run_program(arguments);
    EXPECT_TRUE(ran) << ran.error().message;
    EXPECT_EQ(ran->status, status) << ran->output;
    return ran->output;
  }

  test::TemporaryFolder folder_;
};

TEST_F(LanguageProgram, IsStrictC) {
  expect_strict_c(folder_);
}

TEST_F(LanguageProgram, TakesTheLikeliestUpToTheEnd) {
  EXPECT_EQ(say({"-p", "a"}), "b c\xc3\xa9\n");
  EXPECT_EQ(say({"-p", "a", "-n", "1"}), "b\n");
  EXPECT_EQ(say({"-p", "a", "-n", "0"}), "\n");
  EXPECT_EQ(say({"-p", "a", "--ids"}), "260\n261\n");
  EXPECT_EQ(say({"-p", "", "-n", "5"}), "\n");  // of <s> alone: <unk>, which shows nothing
}

TEST_F(LanguageProgram, BytesAreShownAsTheyAre) {
  EXPECT_EQ(say({"-p", "\xc3"}), "\xa9\n");
}

// <s>, a and six more fill the context of eight; the last one's successor is still known.
TEST_F(LanguageProgram, EndsWithItsContext) {
  EXPECT_EQ(say({"-p", "a", "--ignore-end", "--ids"}), "260\n261\n2\n259\n260\n261\n2\n");
  EXPECT_EQ(say({"-p", "aaaaaaa", "--ids"}), "260\n");
  EXPECT_EQ(say({"-p", "aaaaaaaa"}, 1), "the prompt is longer than the context\n");
}

TEST_F(LanguageProgram, DrawsByTemperatureAndSeed) {
  int others = 0;
  constexpr int kDraws = 300;
  for (int seed = 0; seed < kDraws; ++seed) {
    const std::vector<std::string> draw = {"-p",     "a", "-n",     "1",
                                           "--temp", "1", "--seed", std::to_string(seed)};
    const std::string text = say(draw);
    EXPECT_TRUE(text == "a\n" || text == "b\n") << text;
    if (seed == 0) {
      EXPECT_EQ(say(draw), text);
    }
    others += text == "a\n";
  }
  EXPECT_NEAR(others, kDraws / 3, 5 * std::sqrt(kDraws * 2 / 9.0));  // five standard deviations
  EXPECT_EQ(say({"-p", "a", "-n", "1", "--temp", "0.01"}), "b\n");
}

TEST_F(LanguageProgram, ReadsStandardInput) {
  const std::string path = folder_.add("text", "a");
  const auto ran = run_program({"sh", "-c", folder_ / "program" + " -p - --quiet < " + path});
  ASSERT_TRUE(ran);
  EXPECT_EQ(ran->output, "b c\xc3\xa9\n");
}

TEST_F(LanguageProgram, SaysHowFastItWas) {
  const auto ran = run_program({folder_ / "program", "-p", "a"});
  ASSERT_TRUE(ran);
  EXPECT_NE(ran->output.find("prompt: "), std::string::npos) << ran->output;
  EXPECT_NE(ran->output.find(" tokens/s, answer: "), std::string::npos) << ran->output;
}

TEST_F(LanguageProgram, RefusesWhatItDoesNotKnow) {
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{},
                                                {"-p"},
                                                {"-p", "a", "-n", "x"},
                                                {"-p", "a", "--temp", "-1"},
                                                {"-p", "a", "--temp", "nan"},
                                                {"-p", "a", "--what", "1"},
                                                {"a"}}) {
    EXPECT_NE(say(wrong, 2).find("usage: "), std::string::npos);
  }
}

}  // namespace
}  // namespace verge::emit
