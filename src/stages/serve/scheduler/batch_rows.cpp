#include <atomic>

#include <verge/engine/runtime/step.hpp>
#include <verge/engine/text/logprobs.hpp>
#include <verge/stages/serve/scheduler/batch_rows.hpp>

namespace verge::serve {
namespace {

using Items = std::span<const BatchItem>;

// The first row of each item.
std::vector<int64_t> first_rows(Items items) {
  std::vector<int64_t> first(items.size());
  for (size_t i = 1; i < items.size(); ++i) first[i] = first[i - 1] + items[i - 1].rows();
  return first;
}

Result<Drawn> draw(const runtime::Decoder& decoder, const BatchItem& item, int64_t first) {
  Answer& answer = item.task->answer;
  if (answer.options().max_tokens == 0) {
    return Drawn{.piece = answer.end(StopReason::MaxTokens)};
  }
  std::vector<std::span<const float>> rows;
  for (int64_t row = item.rows() - item.drawn_rows(); row < item.rows(); ++row) {
    rows.push_back(runtime::step_logits(decoder, first + row));
  }
  return verify(answer, item.draft, rows);
}

// One row of a prompt that is scored: how likely the token after it is.
struct Scoring {
  int64_t row = 0;
  int32_t next = 0;
  size_t top = 0;
  TokenLogprobs* score = nullptr;
};

// The last token predicts nothing that is asked for.
void add_scorings(const BatchItem& item, int64_t first, std::vector<Scoring>& scorings) {
  Task& task = *item.task;
  const std::vector<int32_t>& feed = task.feed;
  const auto end = static_cast<size_t>(task.length());
  const size_t begin = end - static_cast<size_t>(item.tokens);
  task.scores.resize(std::min(end, feed.size() - 1));
  for (size_t i = begin; i < task.scores.size(); ++i) {
    scorings.push_back({first + static_cast<int64_t>(i - begin), feed[i + 1],
                        static_cast<size_t>(task.request.prompt_logprobs), &task.scores[i]});
  }
}

// Calls body(i) for each i below count, on all threads. It must not throw.
template <typename Body>
void for_each(ThreadPool& pool, size_t count, const Body& body) {
  pool.run([&](Worker& worker) {
    for (auto i = static_cast<size_t>(worker.claim()); i < count;
         i = static_cast<size_t>(worker.claim())) {
      body(i);
    }
  });
}

}  // namespace

std::vector<Result<Drawn>> draw_rows(const runtime::Decoder& decoder, ThreadPool& pool,
                                     Items items) {
  std::vector<Result<Drawn>> drawn(items.size(), Result<Drawn>(Drawn{}));
  const std::vector<int64_t> first = first_rows(items);
  for_each(pool, items.size(), [&](size_t i) {
    try {
      if (items[i].draws) drawn[i] = draw(decoder, items[i], first[i]);
    } catch (const std::exception& error) {
      drawn[i] = make_error(Code::Internal, "{}", error.what());
    }
  });
  return drawn;
}

void score_rows(const runtime::Decoder& decoder, ThreadPool& pool, Items items) {
  const std::vector<int64_t> first = first_rows(items);
  std::vector<Scoring> scorings;
  for (size_t i = 0; i < items.size(); ++i) {
    if (!items[i].task->is_scored) add_scorings(items[i], first[i], scorings);
  }
  if (scorings.empty()) return;
  std::atomic<bool> is_short = false;
  for_each(pool, scorings.size(), [&](size_t i) {
    const Scoring& scoring = scorings[i];
    try {
      const auto logits = runtime::step_logits(decoder, scoring.row);
      *scoring.score = {{scoring.next, text::token_logprob(logits, scoring.next)},
                        text::top_logprobs(logits, scoring.top)};
    } catch (const std::bad_alloc&) {
      is_short = true;
    }
  });
  if (is_short) throw std::bad_alloc();
}

void pool_rows(const runtime::Decoder& decoder, Items items) {
  const std::vector<int64_t> first = first_rows(items);
  for (size_t i = 0; i < items.size(); ++i) {
    if (!items[i].task->pooled) continue;
    items[i].task->pooled->add(decoder, first[i], items[i].rows());
  }
}

}  // namespace verge::serve
