#include <algorithm>

#include <verge/engine/runtime/session.hpp>
#include <verge/engine/runtime/step.hpp>

namespace verge::runtime {

void Session::truncate(int64_t length) {
  if (length < this->length()) logits_ = {};
  sequence_.truncate(length);
}

void Session::set_adapter(int32_t adapter) {
  const auto count = static_cast<int64_t>(sequence_.decoder().adapters.size());
  VERGE_CHECK(adapter >= -1 && adapter < count, adapter, count);
  VERGE_CHECK(length() == 0, length());
  adapter_ = adapter;
}

// Runs one chunk; the last `outputs` tokens get logits.
Status Session::run_chunk(std::span<const int32_t> tokens, int64_t outputs,
                          const std::atomic<bool>* cancel) {
  logits_ = {};  // a run that is stopped half-way has written over them
  const StepItem item{&sequence_, tokens, outputs, adapter_};
  Decoder& decoder = sequence_.decoder();
  VERGE_RETURN_IF_ERROR(run_step(decoder, std::span(&item, 1), cancel));
  logits_ = step_logits(decoder, outputs - 1);
  return {};
}

Status Session::in_chunks(std::span<const int32_t> tokens, int64_t most, const ChunkRunner& run) {
  const int64_t before = length();
  Status status = sequence_.reserve(before + static_cast<int64_t>(tokens.size()));
  while (status && !tokens.empty()) {
    const auto rest = static_cast<int64_t>(tokens.size());
    const auto chunk = static_cast<size_t>(chunk_to_run(sequence_.decoder(), rest, most));
    status = run(tokens.first(chunk));
    tokens = tokens.subspan(chunk);
  }
  if (!status) truncate(before);
  return status;
}

Status Session::append(std::span<const int32_t> tokens, const std::atomic<bool>* cancel) {
  return in_chunks(tokens, sequence_.decoder().max_tokens,
                   [&](std::span<const int32_t> chunk) { return run_chunk(chunk, 1, cancel); });
}

Status Session::append(std::span<const int32_t> tokens, const LogitsVisitor& visit,
                       const std::atomic<bool>* cancel) {
  const Decoder& decoder = sequence_.decoder();
  return in_chunks(tokens, std::min(decoder.max_tokens, decoder.max_outputs),
                   [&](std::span<const int32_t> chunk) -> Status {
                     const int64_t first = length();
                     const auto count = static_cast<int64_t>(chunk.size());
                     VERGE_RETURN_IF_ERROR(run_chunk(chunk, count, cancel));
                     for (int64_t i = 0; i < count; ++i) visit(first + i, step_logits(decoder, i));
                     return {};
                   });
}

Result<Session> Session::fork() {
  Session copy(sequence_.decoder());
  VERGE_TRY(copy.sequence_, sequence_.fork());
  copy.logits_ = logits_;
  copy.adapter_ = adapter_;
  return copy;
}

}  // namespace verge::runtime
