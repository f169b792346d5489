// bench_speculation MODEL [DRAFT]: tokens/s of greedy answers by each way of guessing ahead, one
// path or a tree, beside none; measured in turns, medians of the rounds. Every answer must be the
// same.

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <verge/core/threads.hpp>
#include <verge/stages/serve/speculation/draft_source.hpp>
#include <verge/stages/serve/speculation/tree_advance.hpp>

#include "timing.hpp"

namespace verge::bench {
namespace {

using serve::DraftSource;

constexpr int kRounds = 7;
constexpr int64_t kTokens = 200, kContext = 256, kPath = 8, kMostNodes = 16;
constexpr const char* kPrompts[] = {
    "In the beginning God created", "And it came to pass in those days, that",
    "The LORD is my shepherd; I shall not want.", "What a piece of work is a man! how noble in"};

struct Way {
  std::string title;
  DraftSource::Kind kind = DraftSource::Kind::None;
  int64_t nodes = 0;  // of a tree; 0: one path
  bool always = false;
  std::unique_ptr<serve::DraftingAdvance> advance = {};
  std::vector<double> rates = {};
};

struct Models {
  std::unique_ptr<model::LanguageModel> target, draft;
};

Result<std::unique_ptr<model::LanguageModel>> load(const char* path, ThreadPool& pool) {
  model::LoadOptions options;
  options.context = kContext;
  options.max_outputs = kMostNodes + 1;
  options.max_sequences = kMostNodes;
  options.kv_tokens = kContext + kMostNodes * 64;
  return model::LanguageModel::load(path, options, pool);
}

std::vector<Way> ways_of(const Models& models) {
  std::vector<Way> ways;
  ways.push_back({.title = "none"});
  const auto add = [&](const std::string& name, DraftSource::Kind kind) {
    for (const int64_t nodes : {int64_t{0}, int64_t{4}, int64_t{8}, kMostNodes}) {
      for (const bool always : {false, true}) {
        const std::string shape = nodes == 0 ? "path" : "tree of " + std::to_string(nodes);
        ways.push_back({name + ", " + shape + (always ? ", always" : ""), kind, nodes, always});
      }
    }
  };
  add("ngram", DraftSource::Kind::Ngram);
  if (!models.target->config().exit_layers.empty()) add("exits", DraftSource::Kind::Exits);
  if (models.draft != nullptr) add("draft", DraftSource::Kind::Model);
  return ways;
}

Status prepare(Way& way, Models& models, const Clock& clock) {
  if (way.kind == DraftSource::Kind::None) return {};
  VERGE_TRY(const auto make,
            serve::proposers({.kind = way.kind}, *models.target, models.draft.get()));
  serve::SpeculationOptions options;
  options.always = way.always;
  options.policy.max_draft = kPath;
  if (way.nodes == 0) {
    way.advance = std::make_unique<serve::SpeculativeAdvance>(make(), options, clock);
  } else {
    const serve::TreeShape shape{.nodes = way.nodes, .depth = kPath};
    way.advance = std::make_unique<serve::TreeAdvance>(make(), shape, options, clock);
  }
  return {};
}

// All prompts once; the answers' tokens one after another.
Result<std::vector<int32_t>> answer(Way& way, Models& models, const Clock& clock) {
  serve::AnswerOptions options;
  options.max_tokens = kTokens;
  options.ignore_end = true;
  options.sampling.temperature = 0;
  std::vector<int32_t> all;
  double seconds = 0;
  for (const char* prompt : kPrompts) {
    runtime::Session session = models.target->session();
    const std::vector<int32_t> tokens = models.target->tokenizer().encode(prompt);
    VERGE_TRY(const auto made, serve::generate(*models.target, session, tokens, options, clock, {},
                                               nullptr, way.advance.get()));
    all.insert(all.end(), made.tokens.begin(), made.tokens.end());
    seconds += made.decode_s;
  }
  way.rates.push_back(static_cast<double>(all.size() - std::size(kPrompts)) / seconds);
  return all;
}

void print(const Way& way, double base) {
  const auto [least, most] = std::ranges::minmax(way.rates);
  std::printf("| %s | %.0f | %.0f to %.0f | %.2f |", way.title.c_str(), median(way.rates), least,
              most, median(way.rates) / base);
  if (way.advance != nullptr) {
    const serve::SpeculationCounts& counts = way.advance->counts();
    std::printf(" %ld | %.0f %% |", static_cast<long>(counts.draft_tokens / (kRounds + 1)),
                100 * counts.acceptance_rate());
  }
  std::printf("\n");
}

Status run(int argc, char** argv) {
  const SystemClock clock;
  ThreadPool pool(2);
  Models models;
  VERGE_TRY(models.target, load(argv[1], pool));
  if (argc > 2) {
    VERGE_TRY(models.draft, load(argv[2], pool));
  }
  std::vector<Way> ways = ways_of(models);
  for (Way& way : ways) VERGE_RETURN_IF_ERROR(prepare(way, models, clock));
  std::vector<int32_t> wanted;
  for (int round = -1; round < kRounds; ++round) {  // one to warm up
    for (Way& way : ways) {
      VERGE_TRY(const std::vector<int32_t> tokens, answer(way, models, clock));
      if (wanted.empty()) wanted = tokens;
      if (round < 0) way.rates.clear();
      if (tokens != wanted) {
        return make_error(Code::Internal, "{}: another answer than without", way.title);
      }
    }
  }
  std::printf(
      "| | tokens/s | of the rounds | ratio | drafted | accepted |\n|---|---|---|---|---|---|\n");
  for (const Way& way : ways) print(way, median(ways[0].rates));
  return {};
}

}  // namespace
}  // namespace verge::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: bench_speculation MODEL [DRAFT]\n", stderr);
    return 2;
  }
  const verge::Status status = verge::bench::run(argc, argv);
  if (!status) std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return status ? 0 : 1;
}
