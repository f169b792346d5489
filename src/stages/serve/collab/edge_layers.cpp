#include <algorithm>

#include <verge/stages/serve/collab/edge_layers.hpp>

namespace verge::serve {
namespace {

std::vector<float> copy_of(std::span<const float> values) {
  return {values.begin(), values.end()};
}

std::span<const int32_t> tokens_of(const runtime::Sequence& sequence, int64_t from, int64_t to) {
  return std::span(sequence.tokens())
      .subspan(static_cast<size_t>(from), static_cast<size_t>(to - from));
}

}  // namespace

Result<EdgeLayers> EdgeLayers::create(model::LanguageModel& model, int64_t exit1, int64_t exit2,
                                      int64_t max_pending) {
  VERGE_TRY(runtime::LayerPlans * low, model.prepare_layers({0, exit1}));
  VERGE_TRY(runtime::LayerPlans * high, model.prepare_layers({exit1, exit2}));
  runtime::Decoder& decoder = model.decoder();
  const int64_t most = std::min(decoder.max_sequences, high->max_tokens);
  if (max_pending < 1 || max_pending > most) {
    return make_error(Code::InvalidArgument,
                      "{} tokens may wait for the second exit, the model was loaded to run {} at "
                      "once; load it with that many sequences, or let 1 to {} wait",
                      max_pending, most, most);
  }
  return EdgeLayers(decoder, *low, *high, max_pending);
}

int64_t EdgeLayers::context() const {
  return std::min(decoder_->context, decoder_->pool.pages() * decoder_->page_tokens);
}

void EdgeLayers::remember(int64_t from, int64_t to, int64_t prompt_end) {
  const bool goes_on =
      !spans_.empty() && spans_.back().to == from && spans_.back().prompt_end == prompt_end;
  if (goes_on) {
    spans_.back().to = to;
  } else {
    spans_.push_back({from, to, prompt_end});
  }
}

Status EdgeLayers::run_part(runtime::LayerPlans& layers, const runtime::StepItem& item) {
  const int64_t before = decoder_->layer_tokens;
  const Status status = runtime::run_layers(layers, *decoder_, {&item, 1});
  layer_tokens_ += decoder_->layer_tokens - before;
  return status;
}

Status EdgeLayers::append(std::span<const int32_t> tokens, const StatesVisitor& visit) {
  if (pending() > 0) VERGE_RETURN_IF_ERROR(flush());
  const int64_t before = length();
  const int64_t end = before + static_cast<int64_t>(tokens.size());
  Status status = sequence_.reserve(end);
  while (status && !tokens.empty()) {
    const int64_t most = std::min({decoder_->max_tokens, low_->max_tokens, high_->max_tokens});
    const auto rest = static_cast<int64_t>(tokens.size());
    const auto chunk = static_cast<size_t>(runtime::chunk_to_run(*decoder_, rest, most));
    status = append_chunk(tokens.first(chunk), end, visit);
    tokens = tokens.subspan(chunk);
  }
  if (status) {
    remember(before, end, end);
  } else {
    sequence_.truncate(before);
    flushed_ = before;
  }
  return status;
}

Status EdgeLayers::append_chunk(std::span<const int32_t> chunk, int64_t prompt_end,
                                const StatesVisitor& visit) {
  const int64_t from = length();
  const auto count = static_cast<int64_t>(chunk.size());
  const runtime::StepItem first{.sequence = &sequence_, .tokens = chunk};
  VERGE_RETURN_IF_ERROR(run_part(*low_, first));
  StateRun run{from, prompt_end, copy_of(runtime::step_states(*decoder_, 0, count))};
  exit1_logits_ = copy_of(runtime::step_logits(*decoder_, 0));
  states_ = copy_of(std::span(run.rows).last(static_cast<size_t>(decoder_->d_model)));
  visit(run);
  const runtime::StepItem second{
      .sequence = &sequence_, .tokens = chunk, .states = run.rows, .first = from};
  VERGE_RETURN_IF_ERROR(run_part(*high_, second));
  exit2_logits_ = copy_of(runtime::step_logits(*decoder_, 0));
  flushed_ = length();
  return {};
}

Status EdgeLayers::step(int32_t token) {
  const int64_t from = length();
  const runtime::StepItem item{.sequence = &sequence_, .tokens = {&token, 1}};
  VERGE_RETURN_IF_ERROR(run_part(*low_, item));
  states_ = copy_of(runtime::step_states(*decoder_, 0));
  exit1_logits_ = copy_of(runtime::step_logits(*decoder_, 0));
  pending_states_.insert(pending_states_.end(), states_.begin(), states_.end());
  remember(from, from + 1, 0);
  return {};
}

Status EdgeLayers::flush() {
  VERGE_CHECK(pending() > 0, length());
  const runtime::StepItem item{.sequence = &sequence_,
                               .tokens = tokens_of(sequence_, flushed_, length()),
                               .states = pending_states_,
                               .first = flushed_,
                               .one_by_one = true};
  VERGE_RETURN_IF_ERROR(run_part(*high_, item));
  exit2_logits_ = copy_of(runtime::step_logits(*decoder_, 0));
  pending_states_.clear();
  flushed_ = length();
  return {};
}

void EdgeLayers::rewind(int64_t length) {
  VERGE_CHECK(length >= 0 && length <= this->length(), length, this->length());
  sequence_.truncate(length);
  flushed_ = std::min(flushed_, length);
  pending_states_.resize(static_cast<size_t>(pending() * width()));
  while (!spans_.empty() && spans_.back().from >= length) spans_.pop_back();
  if (!spans_.empty()) spans_.back().to = std::min(spans_.back().to, length);
}

// A prompt's bits are those of chunks of at least min_chunk tokens, or of all of it.
PositionRange EdgeLayers::with_chunk(PositionRange range, const Span& prompt) const {
  range.to = std::min(prompt.to, std::max(range.to, range.from + decoder_->min_chunk));
  range.from = std::max(prompt.from, std::min(range.from, range.to - decoder_->min_chunk));
  return range;
}

Result<std::vector<StateRun>> EdgeLayers::states_again(PositionRange range) {
  VERGE_CHECK(range.from >= 0 && range.to <= length(), range.from, range.to);
  std::vector<StateRun> runs;
  for (const Span& span : spans_) {
    PositionRange part{std::max(range.from, span.from), std::min(range.to, span.to)};
    if (part.from >= part.to) continue;
    if (span.prompt_end > 0) part = with_chunk(part, span);
    const int64_t most = span.prompt_end > 0 ? low_->max_tokens
                                             : std::min(decoder_->max_sequences, low_->max_tokens);
    while (part.from < part.to) {
      const int64_t rest = part.to - part.from;
      const int64_t count =
          span.prompt_end > 0 ? runtime::chunk_to_run(*decoder_, rest, most) : std::min(rest, most);
      VERGE_TRY(StateRun run, run_again({part.from, part.from + count}, span.prompt_end));
      runs.push_back(std::move(run));
      part.from += count;
    }
  }
  return runs;
}

Result<StateRun> EdgeLayers::run_again(PositionRange range, int64_t prompt_end) {
  const runtime::StepItem item{.sequence = &sequence_,
                               .tokens = tokens_of(sequence_, range.from, range.to),
                               .outputs = 0,
                               .first = range.from,
                               .one_by_one = prompt_end == 0};
  VERGE_RETURN_IF_ERROR(run_part(*low_, item));
  return StateRun{range.from, prompt_end,
                  copy_of(runtime::step_states(*decoder_, 0, range.to - range.from))};
}

}  // namespace verge::serve
