// bench_grammar: what a token mask costs on the vocabulary of a GGUF file, in answers drawn with
// random logits. "cold": nothing known at an answer's start; "warm": answers share what they found.
// The logits fall for each character of a string and rise for what closes, so that answers end.
//   bench_grammar MODEL.gguf [answers]

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <verge/core/clock.hpp>
#include <verge/core/rng.hpp>
#include <verge/engine/format/model_source.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/text/grammar/grammar_constraint.hpp>
#include <verge/engine/text/grammar/token_masks.hpp>
#include <verge/engine/text/sampler.hpp>

#include "timing.hpp"

using namespace verge;
using namespace verge::text;

namespace {

constexpr int kMostTokens = 200;

const char* kPerson = R"({"type":"object","properties":{
  "name":{"type":"string"},"age":{"type":"integer","minimum":0,"maximum":150},
  "email":{"type":"string","format":"email"},"note":{"type":"string","maxLength":80},
  "address":{"type":"object","properties":{"street":{"type":"string"},"city":{"type":"string"},
    "zip":{"type":"string","pattern":"^[0-9]{5}$"}},"required":["street","city"]},
  "tags":{"type":"array","items":{"enum":["red","green","blue","other"]},"maxItems":5},
  "friends":{"type":"array","items":{"$ref":"#"},"maxItems":2}},
  "required":["name","age","email","address"]})";
const char* kCode = R"gbnf(root ::= line+
line ::= [ ]* name " = " expr "\n"
name ::= [a-zA-Z_] [a-zA-Z0-9_]*
expr ::= term ([-+*/] " "? term)*
term ::= name | [0-9]+ | "(" expr ")" | "\"" [^"\n]* "\"")gbnf";

struct Times {
  std::vector<double> seconds;
  int ended = 0;

  double at(double quantile) {
    if (seconds.empty()) return 0;
    const auto place = static_cast<size_t>(quantile * static_cast<double>(seconds.size() - 1));
    std::nth_element(seconds.begin(), seconds.begin() + static_cast<int64_t>(place), seconds.end());
    return seconds[place];
  }
};

/// Masks and accepted tokens of one answer, both counted as the cost of its steps.
void answer(TokenConstraint& constraint, const TokenTrie& trie, uint64_t seed, Times& times) {
  const SystemClock clock;
  Rng rng(seed);
  std::vector<uint64_t> bits(static_cast<size_t>(trie.size() + 63) / 64);
  for (int step = 0; step < kMostTokens && !constraint.is_finished(); ++step) {
    const double begin = clock.seconds();
    constraint.mask(bits);
    const double masked = clock.seconds();
    // The first of 64 random probes that is allowed and, ever more often, closes something.
    int32_t chosen = -1;
    const auto start = static_cast<int32_t>(rng.below(static_cast<uint32_t>(trie.size())));
    for (int32_t i = 0; i < trie.size(); ++i) {
      const int32_t token = (start + i) % trie.size();
      if (!(bits[token / 64] >> (token % 64) & 1)) continue;
      chosen = chosen < 0 ? token : chosen;
      const bool closes = trie.piece(token).find_first_of("\"}]\n") != std::string_view::npos;
      if (closes || rng.below(64) > static_cast<uint32_t>(step)) {
        chosen = token;
        break;
      }
    }
    if (chosen < 0 || trie.is_end(chosen)) break;
    const double drawn = clock.seconds();
    constraint.accept(chosen);
    times.seconds.push_back(masked - begin + clock.seconds() - drawn);
  }
  times.ended += constraint.is_complete();
}

void report(const char* name, const char* state, Times& times, int answers) {
  std::printf(
      "%-12s %-5s %6zu steps, %3d of %d answers whole: median %7.4f ms  p99 %7.4f  worst %7.4f\n",
      name, state, times.seconds.size(), times.ended, answers, times.at(0.5) * 1e3,
      times.at(0.99) * 1e3, times.at(1) * 1e3);
}

void run(const char* name, const std::shared_ptr<const Grammar>& grammar,
         const std::shared_ptr<const TokenTrie>& trie, int answers) {
  Times cold, warm;
  const auto shared = std::make_shared<grammar::TokenMasks>(grammar, trie);
  for (int i = 0; i < answers; ++i) {
    answer(*constraint(grammar, trie), *trie, static_cast<uint64_t>(i), cold);
    answer(*constraint(shared), *trie, static_cast<uint64_t>(i), warm);
  }
  report(name, "cold", cold, answers);
  report(name, "warm", warm, answers);
}

/// The sampler's own share: one draw with all of a string's tokens allowed, and one without a mask.
void time_sampler(const std::shared_ptr<const TokenTrie>& trie) {
  const SystemClock clock;
  Rng rng(1);
  std::vector<float> logits(static_cast<size_t>(trie->size()));
  for (float& logit : logits) logit = rng.normal();
  auto sampler = Sampler::create({}, trie->size()).value();
  auto string = constraint(*Grammar::from_json_schema(R"({"type":"string"})"), trie);
  for (TokenConstraint* used : {static_cast<TokenConstraint*>(nullptr), string.get()}) {
    std::vector<double> seconds;
    for (int i = 0; i < 31; ++i) {
      const double begin = clock.seconds();
      if (!sampler.sample(logits, used)) std::abort();
      seconds.push_back(clock.seconds() - begin);
    }
    std::printf("one draw %s a mask: %.3f ms\n", used == nullptr ? "without" : "with",
                bench::median(seconds) * 1e3);
  }
}

Status run_all(const std::string& path, int answers) {
  VERGE_TRY(const auto source, format::ModelSource::open(path));
  VERGE_TRY(Vocabulary vocabulary, model::read_vocabulary(source));
  VERGE_TRY(const auto tokenizer, make_tokenizer(std::move(vocabulary)));
  const SystemClock clock;
  const double begin = clock.seconds();
  const auto trie = TokenTrie::build(*tokenizer);
  std::printf("%d tokens: trie of %zu nodes in %.0f ms\n", trie->size(), trie->nodes().size(),
              (clock.seconds() - begin) * 1e3);
  const double start = clock.seconds();
  VERGE_TRY(const auto person, Grammar::from_json_schema(kPerson));
  std::printf("schema compiled in %.2f ms\n", (clock.seconds() - start) * 1e3);
  VERGE_TRY(const auto code, Grammar::from_gbnf(kCode));
  run("schema", person, trie, answers);
  const std::pair<const char*, const char*> kinds[] = {
      {"string", R"({"type":"string"})"},
      {"maxLength", R"({"type":"string","maxLength":80})"},
      {"pattern", R"({"type":"string","pattern":"^[a-z]{5,40}$"})"},
      {"email", R"({"type":"string","format":"email"})"},
      {"number", R"({"type":"array","items":{"type":"number","minimum":0,"maximum":100}})"}};
  for (const auto& [name, schema] : kinds) {
    VERGE_TRY(const auto grammar, Grammar::from_json_schema(schema));
    run(name, grammar, trie, answers);
  }
  run("json_object", Grammar::json_object(), trie, answers);
  run("gbnf", code, trie, answers);
  time_sampler(trie);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "bench_grammar MODEL.gguf [answers]\n");
    return 2;
  }
  const Status status = run_all(argv[1], argc > 2 ? std::atoi(argv[2]) : 40);
  if (!status) std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return status ? 0 : 1;
}
