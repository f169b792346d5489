// Phi-3's special tokens take the white space after them: which file's do, and llama.cpp's ids.

#include <nlohmann/json.hpp>

#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/text/tokenizer.hpp>

#include "peers.hpp"
#include "tiny_models.hpp"

namespace verge::model {
namespace {

// tiny-phi3 under another name, with the special tokens of Phi-3 in its last places.
std::string phi3_file(const test::TemporaryFolder& folder, const char* model_name) {
  const std::string plain = test::write_model(folder, test::tiny_spec("tiny-phi3"));
  const auto source = format::ModelSource::open(plain);
  EXPECT_TRUE(source);
  auto vocabulary = read_vocabulary(*source);
  EXPECT_TRUE(vocabulary);
  size_t id = vocabulary->tokens.size();
  for (const char* token : {"<|endoftext|>", "<|user|>", "<|assistant|>", "<|end|>", "<tool>"}) {
    vocabulary->tokens[--id] = token;
    vocabulary->types[id] = static_cast<int32_t>(
        token == std::string("<tool>") ? text::TokenType::UserDefined : text::TokenType::Control);
  }
  return test::rewrite_model(plain, model_name, [&](format::Metadata& metadata) {
    metadata.set("general.name", model_name);
    write_vocabulary(*vocabulary, metadata);
  });
}

std::unique_ptr<text::Tokenizer> tokenizer_of(const std::string& path) {
  const auto source = format::ModelSource::open(path);
  auto tokenizer = text::make_tokenizer(*read_vocabulary(*source));
  EXPECT_TRUE(tokenizer) << tokenizer.error().message;
  return std::move(*tokenizer);
}

const std::string kTexts[] = {
    "<|user|>\nhello there<|end|>\n<|assistant|>\n",
    "<|user|> \t\n\v\f\r  a  <|end|>  b",
    "<s> a<|endoftext|> b</s> c<unk> d",
    "<tool>  a <tool>\n<tool>",
    "<|end|>   ",
    " <|end|> <s> <|user|> ",
    "a\n<|end|>\xC2\xA0"
    "b",
};

TEST(Phi3Tokenizer, StripsWhereTheNameSaysPhi3) {
  const test::TemporaryFolder folder;
  const text::EncodeOptions options{.parse_special = true};
  for (const char* name : {"Phi-3-mini", "my-PHI3-tune"}) {
    const auto tokenizer = tokenizer_of(phi3_file(folder, name));
    EXPECT_EQ(tokenizer->encode("<|user|>\n a<|end|>\n", options),
              tokenizer->encode("<|user|>a<|end|>", options));
    EXPECT_NE(tokenizer->encode("<s> a", options), tokenizer->encode("<s>a", options));
  }
  const auto other = tokenizer_of(phi3_file(folder, "Phi-4-mini"));
  EXPECT_NE(other->encode("<|user|>\na", options), other->encode("<|user|>a", options));
}

TEST(Phi3Tokenizer, IdsEqualLlamaCpp) {
  if (llama_peer().empty()) GTEST_SKIP() << llama_peer_missing();
  const test::TemporaryFolder folder;
  for (const char* name : {"Phi-3-mini", "Phi-4-mini"}) {
    const std::string path = phi3_file(folder, name);
    const auto tokenizer = tokenizer_of(path);
    for (const std::string& text : kTexts) {
      for (const bool special : {false, true}) {
        const auto answer = nlohmann::json::parse(ask_llama_peer(fmt::format(
            "tokenize {}{} < {}", path, special ? " --parse-special" : "", folder.add("t", text))));
        EXPECT_EQ(tokenizer->encode(text, {.add_special = true, .parse_special = special}),
                  answer["tokens"].get<std::vector<int32_t>>())
            << name << " " << text << special;
      }
    }
  }
}

}  // namespace
}  // namespace verge::model
