#include <fstream>

#include <adapters.hpp>
#include <command_line.hpp>
#include <gtest/gtest.h>
#include <standard_input.hpp>
#include <tiny_model.hpp>
#include <tiny_models.hpp>

#include <verge/core/file.hpp>

namespace verge::cli {
namespace {

class RunCommand : public testing::Test {
 protected:
  std::vector<std::string> arguments(std::vector<std::string> more) {
    std::vector<std::string> all = {"run", model_, "-t", "1", "-n", "5", "--temp", "0"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  nlohmann::json json(std::vector<std::string> more) {
    return test::run_json(arguments(std::move(more)));
  }

  test::TemporaryFolder folder_;
  std::string model_ = test::tiny_model(folder_);
};

TEST_F(RunCommand, ReportsTheAnswerAsJson) {
  const auto answer = json({"-p", "hello", "--logprobs", "2"});
  test::expect_fields(answer, {"text", "tokens", "prompt_tokens", "logprobs", "stop_reason",
                               "load_s", "time_to_first_token_s", "prefill_tokens_per_s",
                               "decode_tokens_per_s", "peak_rss_bytes"});
  EXPECT_EQ(answer["tokens"].size(), 5u);
  ASSERT_EQ(answer["logprobs"].size(), 5u);
  for (size_t i = 0; i < 5; ++i) {
    const auto& entry = answer["logprobs"][i];
    EXPECT_EQ(entry["token"], answer["tokens"][i]);
    ASSERT_EQ(entry["top"].size(), 2u);
    EXPECT_EQ(entry["top"][0]["token"], entry["token"]);  // greedy takes the likeliest
    EXPECT_LE(entry["logprob"], 0);
  }
}

// Packed rows of bf16 come in pairs of columns: a product over 33 of them has no fast kernel.
TEST_F(RunCommand, SaysWhatNoFastKernelRuns) {
  build::RandomModelSpec spec = test::tiny_spec("tiny-llama");
  spec.ffn = 33;
  const std::string odd = test::write_model(folder_, spec, DType::BF16);
  const std::vector<std::string> command = {"run", odd, "-t", "1", "-n", "1", "-p", "a"};
  const auto slow = test::run_verge(command);
  EXPECT_EQ(slow.status, 0) << slow.err;
  EXPECT_NE(slow.err.find("warning: no fast kernel for linear"), std::string::npos) << slow.err;
  std::vector<std::string> with_json = command;
  with_json.push_back("--json");
  EXPECT_FALSE(test::run_json(with_json)["reference_nodes"].empty());
  EXPECT_EQ(json({"-p", "hello"})["reference_nodes"], nlohmann::json::array());
  EXPECT_EQ(test::run_verge(arguments({"-p", "hello"})).err.find("no fast"), std::string::npos);
}

TEST_F(RunCommand, ThePromptMayBeEmpty) {
  const test::StandardInput nothing("");
  EXPECT_EQ(json({"-p", ""})["prompt_tokens"], json({"-p", "-"})["prompt_tokens"]);
  test::expect_refused(test::run_verge(arguments({})), 2, "needs --prompt");
}

TEST_F(RunCommand, ThePromptMayComeFromStandardInput) {
  const auto wanted = json({"-p", "hello there"});
  const test::StandardInput input("hello there");
  const auto found = json({"-p", "-"});
  EXPECT_EQ(found["prompt_tokens"], wanted["prompt_tokens"]);
  EXPECT_EQ(found["tokens"], wanted["tokens"]);
}

TEST_F(RunCommand, APromptCacheSkipsWhatItHas) {
  const std::string prompt(90, 'x'), cache = folder_ / "prompt.kv";
  const auto plain = json({"-p", prompt});
  const auto first = json({"-p", prompt, "--prompt-cache", cache});
  const auto second = json({"-p", prompt, "--prompt-cache", cache});
  EXPECT_EQ(first["cached_tokens"], 0);
  EXPECT_GT(second["cached_tokens"], 30) << second.dump();
  EXPECT_EQ(first["tokens"], plain["tokens"]);
  EXPECT_EQ(second["tokens"], plain["tokens"]);
  test::expect_refused(
      test::run_verge(arguments({"-p", prompt, "--kv", "f32", "--prompt-cache", cache})), 1,
      "another type of KV cache");
  std::ofstream(cache) << "VERGESES, damaged";
  const test::Ran damaged = test::run_verge(arguments({"-p", prompt, "--prompt-cache", cache}));
  EXPECT_EQ(damaged.status, 0);
  EXPECT_NE(damaged.err.find("computed again"), std::string::npos) << damaged.err;
  EXPECT_GT(json({"-p", prompt, "--prompt-cache", cache})["cached_tokens"], 30);
  const std::string book = folder_.add("book", "In the beginning");
  test::expect_refused(test::run_verge(arguments({"-p", prompt, "--prompt-cache", book})), 1,
                       "no prompt cache");
  EXPECT_EQ(*read_whole_file(book, 100), "In the beginning");
}

TEST_F(RunCommand, EchoAndSpeedAroundTheAnswer) {
  const std::string answer = json({"-p", "hello"})["text"];
  const test::Ran plain = test::run_verge(arguments({"-p", "hello"}));
  EXPECT_EQ(plain.status, 0) << plain.err;
  EXPECT_EQ(plain.out, answer + "\n");
  EXPECT_NE(plain.err.find("answer: 5 tokens"), std::string::npos) << plain.err;
  const test::Ran echoed = test::run_verge(arguments({"-p", "hello", "--echo", "--quiet"}));
  EXPECT_EQ(echoed.out, "hello" + answer + "\n");
  EXPECT_EQ(echoed.err, "");
}

TEST_F(RunCommand, EverySetOfKernelsAnswersAlike) {
  const auto wanted = json({"-p", "hello", "--kv", "f32"});
  for (const char* isa : {"generic", "avx2", "avx512", "avx512-bf16"}) {
    const test::Ran ran =
        test::run_verge(arguments({"-p", "hello", "--kv", "f32", "--isa", isa, "--json"}));
    if (ran.status == 2 && ran.err.find("this machine runs up to") != std::string::npos) continue;
    EXPECT_EQ(nlohmann::json::parse(ran.out)["tokens"], wanted["tokens"]) << isa;
  }
}

TEST_F(RunCommand, AnAdapterChangesTheAnswer) {
  const std::string adapter = folder_ / "adapter:1.gguf";
  test::random_adapter(model_, {.size = 2}).write_gguf(adapter);
  const auto plain = json({"-p", "hello"}), changed = json({"-p", "hello", "--lora", adapter});
  EXPECT_NE(changed["tokens"], plain["tokens"]);
  EXPECT_EQ(json({"-p", "hello", "--lora", adapter + ":1"})["tokens"], changed["tokens"]);
  EXPECT_EQ(json({"-p", "hello", "--lora", adapter + ":0"})["tokens"], plain["tokens"]);
}

TEST_F(RunCommand, AnswersWithinAGrammarOrASchema) {
  const auto answer = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"run", model_, "-t", "1", "-p", "x"});
    return test::run_json(std::move(more));
  };
  const std::string file = folder_ / "answer.gbnf";
  std::ofstream(file) << "root ::= \"yes\" | \"no\" | \"maybe\"\n";
  for (const char* seed : {"1", "2", "3"}) {
    const std::string text =
        answer({"--grammar", file, "--temp", "1", "--seed", seed, "-n", "20"})["text"];
    EXPECT_TRUE(text == "yes" || text == "no" || text == "maybe") << text;
  }
  const std::string schema = R"({"type":"object","properties":{"a":{"type":"integer","minimum":1,
                                 "maximum":99},"b":{"enum":["x","y"]}},"required":["a","b"]})";
  const std::string schema_file = folder_ / "schema.json";
  std::ofstream(schema_file) << schema;
  for (const std::string& given : {schema, schema_file}) {
    const auto reply = answer({"--json-schema", given, "--temp", "0", "-n", "120"});
    EXPECT_EQ(reply["stop_reason"], "end_of_text");
    const auto value = nlohmann::json::parse(reply["text"].get<std::string>());
    EXPECT_TRUE(value["a"] >= 1 && value["a"] <= 99 && value["b"].is_string()) << value;
  }
}

TEST_F(RunCommand, RefusesBadInput) {
  const auto refused = [&](std::vector<std::string> more, int status, const char* part) {
    more.insert(more.begin(), {"-p", "x"});
    test::expect_refused(test::run_verge(arguments(std::move(more))), status, part);
  };
  refused({"--kv", "q3_k"}, 2, "f32, f16, bf16 or q8_0");
  refused({"--isa", "neon"}, 2, "--isa neon");
  refused({"--top-p", "2"}, 2, "top_p is 2");
  refused({"--lora", folder_ / "no.lora"}, 1, "no.lora");
  refused({"--lora", model_}, 1, "general.type is");
  refused({"--json-schema", R"({"not":{}})"}, 1, "#: 'not' cannot be held");
  refused({"--json-schema", "{}", "--grammar", "g"}, 2, "not both");
  refused({"--grammar", folder_ / "none.gbnf"}, 1, "none.gbnf");
  std::ofstream(folder_ / "bad.gbnf") << "root ::= [a";
  refused({"--grammar", folder_ / "bad.gbnf"}, 1, "bad.gbnf: grammar: line 1, column 10");
  test::expect_refused(test::run_verge({"run", model_, "-p", "x", "-t", "100000"}), 2,
                       "--threads 100000");
  test::expect_refused(test::run_verge({"run", folder_ / "no.gguf", "-p", "x"}), 1, "no.gguf");
}

}  // namespace
}  // namespace verge::cli
