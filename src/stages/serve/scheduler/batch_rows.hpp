#pragma once
// What becomes of the rows of one run, before the next overwrites them: tokens of answers, scores
// of prompts, parts of vectors. The items are those of the run, which has just succeeded.

#include <span>
#include <vector>

#include <verge/core/threads.hpp>
#include <verge/engine/runtime/decoder.hpp>
#include <verge/stages/serve/scheduler/batch_item.hpp>
#include <verge/stages/serve/speculation/verify.hpp>

namespace verge::serve {

/// The next tokens of the items that draw, on all threads; Internal for a bug in one of them.
std::vector<Result<Drawn>> draw_rows(const runtime::Decoder& decoder, ThreadPool& pool,
                                     std::span<const BatchItem> items);
/// Adds to Task::scores, of items whose prompt is scored, on all threads.
void score_rows(const runtime::Decoder& decoder, ThreadPool& pool,
                std::span<const BatchItem> items);
/// Adds to Task::pooled, of items that ask for a vector.
void pool_rows(const runtime::Decoder& decoder, std::span<const BatchItem> items);

}  // namespace verge::serve
