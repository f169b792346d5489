#include <algorithm>

#include <tiny_models.hpp>

#include <verge/engine/quality/tasks.hpp>
#include <verge/engine/text/logprobs.hpp>

namespace verge::quality {
namespace {

// log P(text), the text read anew and one token at a time.
double logprob(model::LanguageModel& model, const std::string& text, size_t first) {
  const auto tokens = model.tokenizer().encode(text);
  runtime::Session session = model.session();
  double sum = 0;
  for (size_t i = 0; i + 1 < tokens.size(); ++i) {
    EXPECT_TRUE(session.append(std::span(tokens).subspan(i, 1)));
    if (i + 1 >= first) sum += text::token_logprob(session.logits(), tokens[i + 1]);
  }
  return sum;
}

// How many tokens of the query stand unchanged before every one of the texts.
size_t common_start(const model::LanguageModel& model, const std::string& query,
                    const std::vector<std::string>& texts) {
  const auto before = model.tokenizer().encode(query);
  size_t from = before.size();
  for (const std::string& text : texts) {
    const auto whole = model.tokenizer().encode(query + text);
    from = std::min<size_t>(from, std::ranges::mismatch(before, whole).in1 - before.begin());
  }
  return from;
}

std::unique_ptr<model::LanguageModel> tiny(const test::TemporaryFolder& folder, ThreadPool& pool) {
  return test::load_model(test::write_model(folder, test::tiny_spec("tiny-llama")), pool,
                          {.context = 96, .max_outputs = 32});
}

TEST(Choices, TheLikeliestAnswerCounts) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  const auto model = tiny(folder, pool);
  Rng rng(3);
  int differing = 0;
  for (int question = 0; question < 8; ++question) {
    std::vector<std::string> texts;
    for (int i = 0; i < 4; ++i) {
      const auto letter = static_cast<char>('a' + rng.below(26));
      texts.push_back(std::string(1 + rng.below(9), letter));
    }
    const size_t first = common_start(*model, "Ice is", texts);
    const auto best = [&](auto score) {
      return std::ranges::max_element(texts, {}, score) - texts.begin();
    };
    const auto raw = [&](const std::string& t) { return logprob(*model, "Ice is" + t, first); };
    const auto likeliest = best(raw);
    const auto normalised = best([&](const std::string& t) { return raw(t) / t.size(); });
    differing += likeliest != normalised ? 1 : 0;
    for (size_t answer = 0; answer < texts.size(); ++answer) {
      const auto quality = measure_choices(*model, {{"Ice is", texts, answer}}, {});
      ASSERT_TRUE(quality) << quality.error().message;
      EXPECT_EQ(quality->accuracy.value, std::cmp_equal(answer, likeliest));
      EXPECT_EQ(quality->normalised_accuracy.value, std::cmp_equal(answer, normalised));
    }
  }
  EXPECT_GT(differing, 0);  // else the two could be confused
}

// "e is" and what follows may be one token: nothing of an answer may go without a score.
TEST(Choices, AnAnswerThatMergesWithTheQuestionIsScored) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  const auto model = tiny(folder, pool);
  const auto& tokenizer = model->tokenizer();
  std::string query, rest;
  for (int32_t id = 0; id < tokenizer.size() && query.empty(); ++id) {
    const std::string piece(tokenizer.piece(id));
    if (tokenizer.is_special(id) || piece.size() < 2) continue;
    const auto whole = tokenizer.encode(fmt::format("x{}", piece));
    const std::string start = fmt::format("x{}", piece.substr(0, piece.size() - 1));
    if (whole.size() > tokenizer.encode(start).size()) continue;
    query = start;
    rest = piece.substr(piece.size() - 1);
  }
  if (query.empty()) GTEST_SKIP() << "no token of this vocabulary merges so";
  const std::string other = rest == "q" ? "z" : "q";
  const size_t from = common_start(*model, query, {rest, other});
  const bool expected = logprob(*model, query + rest, from) > logprob(*model, query + other, from);
  const auto quality = measure_choices(*model, {{query, {rest, other}, 0}}, {});
  ASSERT_TRUE(quality) << quality.error().message;
  EXPECT_EQ(quality->accuracy.value, expected);
}

TEST(Pairs, TheLikelierSentenceWins) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  const auto model = tiny(folder, pool);
  std::vector<Pair> pairs;
  int64_t expected = 0;
  for (int i = 0; i < 12; ++i) {
    pairs.push_back({fmt::format("the dogs bark {}", i), fmt::format("the dogs barks {}", 12 - i)});
    expected += logprob(*model, pairs.back().good, 0) > logprob(*model, pairs.back().bad, 0);
  }
  pairs.push_back({"the same", "the same"});
  const auto quality = measure_pairs(*model, pairs, {});
  ASSERT_TRUE(quality) << quality.error().message;
  EXPECT_DOUBLE_EQ(quality->value, expected / 13.0);
}

TEST(Pairs, ASentenceBeyondTheContextIsNamed) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  const auto model = tiny(folder, pool);
  const auto quality = measure_pairs(*model, {{"a", "b"}, {std::string(2000, 'x'), "b"}}, {});
  ASSERT_FALSE(quality);
  EXPECT_NE(quality.error().message.find("pair 2"), std::string::npos) << quality.error().message;
}

TEST(TaskFile, ReadsOneObjectALine) {
  const test::TemporaryFolder folder;
  const auto choices = read_choices(folder.add(
      "c.jsonl", "{\"query\":\"a\",\"choices\":[\"x\",\"y\"],\"answer\":1,\"id\":7}\r\n\n"));
  ASSERT_TRUE(choices) << choices.error().message;
  ASSERT_EQ(choices->size(), 1u);
  EXPECT_EQ(choices->front().choices[1], "y");
  EXPECT_EQ(choices->front().answer, 1u);
  const auto pairs =
      read_pairs(folder.add("p.jsonl", "{\"sentence_good\":\"g\",\"sentence_bad\":\"b\"}"));
  ASSERT_TRUE(pairs) << pairs.error().message;
  EXPECT_EQ(pairs->front().bad, "b");
}

TEST(TaskFile, NamesTheLineAndTheField) {
  const test::TemporaryFolder folder;
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"", "no task"},
      {"\n\n{\"choices\":[]}", "line 3: \"query\""},
      {"{\"query\":\"a\",\"choices\":[\"x\"],\"answer\":0}", "\"choices\""},
      {"{\"query\":\"a\",\"choices\":[\"x\",\"\"],\"answer\":0}", "\"choices\""},
      {"{\"query\":\"a\",\"choices\":[\"x\",3],\"answer\":0}", "\"choices\""},
      {"{\"query\":\"a\",\"choices\":\"xy\",\"answer\":0}", "\"choices\""},
      {"{\"query\":\"a\",\"choices\":[\"x\",\"y\"],\"answer\":2}", "\"answer\""},
      {"{\"query\":\"a\",\"choices\":[\"x\",\"y\"]}", "\"answer\""},
      {"[1,2]", "line 1"},
      {"{\"query\":", "line 1"}};
  for (const auto& [text, part] : cases) {
    const auto choices = read_choices(folder.add("c.jsonl", text));
    ASSERT_FALSE(choices) << text;
    EXPECT_EQ(choices.error().code, Code::Malformed) << text;
    EXPECT_NE(choices.error().message.find(part), std::string::npos) << choices.error().message;
  }
  EXPECT_FALSE(read_pairs(folder.add("p.jsonl", "{\"sentence_good\":\"g\"}")));
}

}  // namespace
}  // namespace verge::quality
