#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <verge/engine/text/chat_template.hpp>
#include <verge/engine/text/tokenizer.hpp>

#include "paths.hpp"
#include "small_vocabularies.hpp"

namespace verge::text {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kNow = 1741356309;  // 2025-03-07 14:05:09, as in generate.py

std::string read_text(const std::string& name) {
  std::ifstream file(test::source_file("tests/engine/text/templates/" + name));
  VERGE_CHECK(file.good(), name);
  return {std::istreambuf_iterator<char>(file), {}};
}

const Json& expected_outputs() {
  static const Json json = Json::parse(read_text("expected.json"));
  return json;
}

/// Compares with what Jinja2 made of it; null stands for an error.
void expect_rendered(const Result<std::string>& found, const Json& wanted,
                     const std::string& what) {
  if (wanted.is_null()) {
    EXPECT_FALSE(found.ok()) << what << " should fail, gives: " << found.value();
  } else {
    ASSERT_TRUE(found.ok()) << what << ": " << found.error().message;
    EXPECT_EQ(found.value(), wanted.get<std::string>()) << what;
  }
}

RenderOptions options_of(const Json& conversation) {
  RenderOptions options;
  options.bos_token = "<bos>";
  options.eos_token = "<eos>";
  options.add_generation_prompt = conversation.value("add_generation_prompt", true);
  if (conversation.contains("tools")) options.tools = Json::parse(read_text("tools.json"));
  if (conversation.contains("extra")) options.extra = conversation["extra"];
  options.now_unix_s = kNow;
  return options;
}

TEST(ChatTemplate, TemplatesInUseRenderAsJinja2RendersThem) {
  const Json conversations = Json::parse(read_text("conversations.json"));
  for (const auto& [name, outputs] : expected_outputs()["templates"].items()) {
    const Result<ChatTemplate> chat = ChatTemplate::parse(read_text(name + ".jinja"));
    ASSERT_TRUE(chat.ok()) << name << ": " << chat.error().message;
    for (const auto& [key, wanted] : outputs.items()) {
      const Json& conversation = conversations[key];
      const auto found = chat->render(conversation["messages"], options_of(conversation));
      expect_rendered(found, wanted, name + " with " + key);
    }
  }
}

TEST(ChatTemplate, SnippetsOfTheLanguageRenderAsJinja2RendersThem) {
  const Json context = Json::parse(read_text("snippet_context.json"));
  RenderOptions options;
  options.now_unix_s = kNow;
  options.extra = context;
  for (const Json& snippet : expected_outputs()["snippets"]) {
    const std::string text = snippet[0];
    const Result<ChatTemplate> chat = ChatTemplate::parse(text);
    const Result<std::string> found =
        chat ? chat->render(context["messages"], options) : Result<std::string>(chat.error());
    expect_rendered(found, snippet[1], text);
  }
}

TEST(ChatTemplate, TheDefaultIsPlainChatml) {
  const Json messages = {{{"role", "user"}, {"content", "Hi"}}};
  EXPECT_EQ(ChatTemplate::chatml().render(messages).value(),
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(ChatTemplate::chatml().render(messages, {.add_generation_prompt = false}).value(),
            "<|im_start|>user\nHi<|im_end|>\n");
}

TEST(ChatTemplate, TellsWhichVariablesItReads) {
  const ChatTemplate chat = ChatTemplate::parse("tools {{ messages }}").value();
  EXPECT_TRUE(chat.reads("messages"));
  EXPECT_FALSE(chat.reads("tools"));
}

TEST(ChatTemplate, ErrorsNameLineAndColumn) {
  const std::pair<const char*, const char*> cases[] = {
      {"a\n  {{ messages.x.y }}", "chat template: line 2, column 17: 'x' is undefined"},
      {"{% if true %}", "line 1, column 14: expected {% endif %}, found 'the end of the template'"},
      {"\n{{ raise_exception('no system role') }}", "line 2, column 19: no system role"},
      {"{{ 'open }}", "line 1, column 4: the string is never closed; write '"},
      {"{% include 'x' %}", "line 1, column 1: 'include' needs other templates"},
      {"{{ 'a' | shout }}", "line 1, column 10: there is no filter 'shout'"},
      {"{{ [].append(1) }}", "would change a list; templates run in an immutable sandbox"},
      {"{{ 9223372036854775808 }}", "does not fit in 64 bits"},
      {"{{ 9223372036854775807 + 1 }}", "integer overflow"},
  };
  for (const auto& [text, message] : cases) {
    const Result<ChatTemplate> chat = ChatTemplate::parse(text);
    const Result<std::string> found =
        chat ? chat->render(Json::array()) : Result<std::string>(chat.error());
    ASSERT_FALSE(found.ok()) << text;
    EXPECT_EQ(found.error().code, Code::Malformed);
    EXPECT_NE(found.error().message.find(message), std::string::npos) << found.error().message;
  }
}

std::string repeated(const std::string& text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

TEST(ChatTemplate, HostileTemplatesEndWithAnError) {
  const std::string cases[] = {
      "{% for i in range(1000000000000) %}{% endfor %}",
      "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
      "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
      "{% set ns = namespace(x='aa') %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}"
      "{% endfor %}",
      "{% set ns = namespace(x=[1]) %}{% for i in range(100) %}{% set ns.x = [ns.x, ns.x] %}"
      "{% endfor %}{{ ns.x }}",
      "{% set ns = namespace(x=[1]) %}{% for i in range(1000) %}{% set ns.x = [ns.x] %}{% endfor "
      "%}",
      "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}"
      "{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
      "{{ 'a' * 1000000000000 }}",
      "{{ [1] * 1000000000000 }}",
      "{{ ('a' * 1000000).replace('a', 'b' * 1000000) }}",
      "{% for i in range(100000) %}{{ 'aaaaaaaaaa' * 100 }}{% endfor %}",
      "{{ " + repeated("(", 100000) + "1" + repeated(")", 100000) + " }}",
      "{{ 1" + repeated(" + 1", 100000) + " }}",
      "{{ " + repeated("not ", 100000) + "1 }}",
      "{{ " + repeated("-", 100000) + "1 }}",
      "{{ x" + repeated("[0]", 100000) + " }}",
      "{{ x" + repeated("|first", 100000) + " }}",
      repeated("{% if 1 %}", 50000) + repeated("{% endif %}", 50000),
      repeated("a", 2000000),
  };
  for (const std::string& text : cases) {
    const Result<ChatTemplate> chat = ChatTemplate::parse(text);
    EXPECT_FALSE(chat.ok() && chat->render(Json::array()).ok()) << text.substr(0, 100);
  }
}

TEST(ChatTemplate, NamespacesThatHoldEachOtherAreFreed) {
  const ChatTemplate chat =
      ChatTemplate::parse(
          "{% set a = namespace() %}{% set b = namespace(a=a) %}{% set a.b = b %}"
          "{% set a.m = [a] %}{{ a.b.a.b is defined }}")
          .value();
  EXPECT_EQ(chat.render(Json::array()).value(), "True");  // AddressSanitizer looks for the leak
}

TEST(ChatTemplate, TokensHaveTheTokenizersBosOnce) {
  Vocabulary vocabulary = sentencepiece_vocabulary({"a", "b"});
  vocabulary.bos = 1, vocabulary.eos = 2, vocabulary.add_bos = true;
  const auto tokenizer = make_tokenizer(std::move(vocabulary)).value();
  const auto end_of = [&](const char* text) {
    const ChatTemplate chat = ChatTemplate::parse(text).value();
    return chat.tokens(*tokenizer, Json::array(), {.bos_token = "no"}, "</s>").value();
  };
  const std::vector<int32_t> written = end_of("{{ bos_token }}{{ eos_token }}");
  EXPECT_EQ(written, (std::vector<int32_t>{1, 2, 2}));
  EXPECT_EQ(end_of("{{ eos_token }}"), written);
}

TEST(ChatTemplate, WithoutAClockThereIsNoStrftimeNow) {
  const ChatTemplate chat = ChatTemplate::parse("{{ strftime_now is defined }}").value();
  EXPECT_EQ(chat.render(Json::array()).value(), "False");
}

}  // namespace
}  // namespace verge::text
