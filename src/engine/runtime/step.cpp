#include <algorithm>
#include <array>

#include <verge/core/clock.hpp>
#include <verge/engine/runtime/step.hpp>

namespace verge::runtime {
namespace {

struct Extents {
  int64_t tokens = 0;
  int64_t outputs = 0;
  int64_t growth = 0;
  int64_t sequences = 0;  // rows of the page table
};

int64_t first_of(const StepItem& item) {
  return item.first >= 0 ? item.first : item.sequence->length();
}

Extents extents_of(std::span<const StepItem> items) {
  Extents sum;
  for (const StepItem& item : items) {
    sum.tokens += item.rows();
    sum.outputs += item.outputs;
    sum.growth += item.growth();
    sum.sequences += item.one_by_one ? item.rows() : 1;
  }
  return sum;
}

// A file may name more tokens than its embedding has rows.
Status check_tokens(std::span<const int32_t> tokens, int64_t vocab) {
  for (const int32_t token : tokens) {
    if (token >= 0 && token < vocab) continue;
    return make_error(
        Code::InvalidArgument,
        "token {} is not one of the {} that the model has rows for; convert the model "
        "again",
        token, vocab);
  }
  return {};
}

Status check_adapter(const Decoder& decoder, int32_t adapter) {
  const auto count = static_cast<int64_t>(decoder.adapters.size());
  if (adapter >= -1 && adapter < count) return {};
  return make_error(Code::InvalidArgument, "adapter {} of {}; load it with the model", adapter,
                    count);
}

// What a run may have at most.
struct Most {
  int64_t tokens;
  int64_t outputs;
};

Status check_extents(const Decoder& decoder, std::span<const StepItem> items, Most most) {
  const Extents extents = extents_of(items);
  if (extents.growth <= most.tokens && extents.sequences <= decoder.max_sequences &&
      extents.outputs <= most.outputs) {
    return {};
  }
  return make_error(Code::InvalidArgument,
                    "a step of {} tokens, {} sequences and {} rows of logits; the plans are for at "
                    "most {}, {} and {}",
                    extents.growth, extents.sequences, extents.outputs, most.tokens,
                    decoder.max_sequences, most.outputs);
}

void check_branch(std::span<const StepItem> items, size_t i) {
  const StepItem& item = items[i];
  VERGE_CHECK((item.branch_of < 0) == (item.branch_at == 0), item.branch_of, item.branch_at);
  if (item.branch_of < 0) return;
  VERGE_CHECK(static_cast<size_t>(item.branch_of) < i, item.branch_of, i);
  const StepItem& trunk = items[static_cast<size_t>(item.branch_of)];
  VERGE_CHECK(item.branch_at > 0 && item.branch_at <= trunk.growth(), item.branch_at, i);
  VERGE_CHECK(item.adapter == trunk.adapter && item.sequence->tokens() == trunk.sequence->tokens(),
              item.branch_of, i);
}

Status check(const Decoder& decoder, std::span<const StepItem> items, Most most) {
  for (size_t i = 0; i < items.size(); ++i) {
    const StepItem& item = items[i];
    VERGE_CHECK(&item.sequence->decoder() == &decoder, i);
    VERGE_CHECK(!item.tokens.empty(), i);
    VERGE_CHECK(item.outputs >= 0 && item.outputs <= item.rows(), item.outputs, item.rows());
    const auto is_same = [&](const StepItem& o) { return o.sequence == item.sequence; };
    VERGE_CHECK(std::ranges::none_of(items.first(i), is_same), i);
    check_branch(items, i);
    if (item.states.empty()) VERGE_RETURN_IF_ERROR(check_tokens(item.tokens, decoder.vocab));
    VERGE_RETURN_IF_ERROR(check_adapter(decoder, item.adapter));
  }
  return check_extents(decoder, items, most);
}

// The same for items of a step on the whole model.
Status check_whole(const Decoder& decoder, std::span<const StepItem> items, int64_t max_outputs) {
  VERGE_CHECK(decoder.first_layer == 0, decoder.first_layer);
  for (const StepItem& item : items) {
    VERGE_CHECK(item.first < 0 && item.states.empty(), item.first, item.states.size());
  }
  return check(decoder, items, {decoder.max_tokens, max_outputs});
}

// And on some layers.
Status check_layers(const LayerPlans& layers, const Decoder& decoder,
                    std::span<const StepItem> items) {
  for (const StepItem& item : items) {
    const int64_t values = layers.takes_states() ? item.rows() * decoder.d_model : 0;
    VERGE_CHECK(std::ssize(item.states) == values, item.states.size(), values);
    VERGE_CHECK(item.branch_of < 0, item.branch_of);
    if (item.first <= item.sequence->length()) continue;
    return make_error(Code::InvalidArgument,
                      "positions from {} on of a sequence of {} tokens; those between must be run "
                      "before",
                      item.first, item.sequence->length());
  }
  return check(decoder, items,
               {layers.max_tokens, std::min(decoder.max_outputs, layers.max_tokens)});
}

// Takes the pages that the items need; gives back what it took unless keep() is called.
class Reservation {
 public:
  explicit Reservation(std::span<const StepItem> items) : items_(items) {}
  Reservation(const Reservation&) = delete;
  ~Reservation() {
    for (size_t i = 0; i < before_.size(); ++i) items_[i].sequence->release_pages_after(before_[i]);
  }

  Status take() {
    before_.reserve(items_.size());
    for (const StepItem& item : items_) {
      before_.push_back(item.sequence->pages().size());
      VERGE_RETURN_IF_ERROR(item.sequence->reserve(
          std::max(item.sequence->length(), first_of(item) + item.growth())));
    }
    return {};
  }
  void keep() { before_.clear(); }

 private:
  std::span<const StepItem> items_;
  std::vector<size_t> before_;
};

// The row of the k-th of the tokens that an item's sequence grows by.
int64_t row_of_token(std::span<const StepItem> items, size_t item, int64_t k) {
  while (k < items[item].branch_at) item = static_cast<size_t>(items[item].branch_of);
  return extents_of(items.first(item)).tokens + k - items[item].branch_at;
}

// The inputs of one run, filled item by item.
class Filler {
 public:
  Filler(const Decoder& decoder, Plan& plan, std::span<const StepItem> items)
      : step_(items),
        page_tokens_(decoder.page_tokens),
        tokens_(optional_input(plan, "tokens")),
        states_(tokens_ == nullptr ? plan.input("states").as<float>() : nullptr),
        positions_(plan.input("positions").as<int32_t>()),
        slots_(plan.input("slots").as<int32_t>()),
        slot_tokens_(plan.input("slot_tokens").as<int32_t>()),
        sequences_(plan.input("token_sequence").as<int32_t>()),
        rows_(plan.input("output_rows").as<int32_t>()),
        table_(plan.input("page_table").as<int32_t>()),
        table_width_(plan.input("page_table").shape[1]),
        adapters_(optional_input(plan, "adapter_of_tokens")),
        output_adapters_(optional_input(plan, "adapter_of_outputs")) {}

  void add(const StepItem& item) {
    int64_t position = first_of(item);
    for (int64_t k = 0; k < item.branch_at; ++k, ++position) {
      add_write(item, position, row_of_token(step_, static_cast<size_t>(items_), k));
    }
    if (tokens_ != nullptr) {
      std::ranges::copy(item.tokens, tokens_ + count_);
    } else {
      states_ = std::ranges::copy(item.states, states_).out;
    }
    for (int64_t k = 0; k < item.rows(); ++k, ++position) {
      if (k == 0 || item.one_by_one) add_sequence(item);
      positions_[count_] = static_cast<int32_t>(position);
      add_write(item, position, count_);
      sequences_[count_] = static_cast<int32_t>(tables_ - 1);
      if (adapters_ != nullptr) adapters_[count_] = item.adapter;
      ++count_;
    }
    for (int64_t i = item.outputs; i > 0; --i) add_output(count_ - i, item.adapter);
    ++items_;
  }

  // A run without any output computes one that nobody asked for: its head has at least a row.
  std::array<int64_t, 3> extents() {
    if (outputs_ == 0) add_output(0, -1);
    return {count_, outputs_, writes_};
  }

 private:
  static int32_t* optional_input(Plan& plan, std::string_view name) {
    return plan.has_input(name) ? plan.input(name).as<int32_t>() : nullptr;
  }

  void add_sequence(const StepItem& item) {
    std::ranges::copy(item.sequence->pages(), table_ + tables_++ * table_width_);
  }

  void add_write(const StepItem& item, int64_t position, int64_t row) {
    const int64_t page = item.sequence->pages()[static_cast<size_t>(position / page_tokens_)];
    slots_[writes_] = static_cast<int32_t>(page * page_tokens_ + position % page_tokens_);
    slot_tokens_[writes_++] = static_cast<int32_t>(row);
  }

  void add_output(int64_t row, int32_t adapter) {
    if (output_adapters_ != nullptr) output_adapters_[outputs_] = adapter;
    rows_[outputs_++] = static_cast<int32_t>(row);
  }

  std::span<const StepItem> step_;
  int64_t page_tokens_;
  int32_t* tokens_;  // null where the layers take states
  float* states_;    // of the next item
  int32_t *positions_, *slots_, *slot_tokens_, *sequences_, *rows_, *table_;
  int64_t table_width_;
  int32_t *adapters_, *output_adapters_;  // null where the graph has no adapters
  int64_t items_ = 0, tables_ = 0, count_ = 0, outputs_ = 0, writes_ = 0;
};

// Rows [row, row + count) of an output of the last step, which has `most` of them.
std::span<const float> rows_of(const Decoder& decoder, std::string_view output, int64_t row,
                               int64_t count, int64_t most) {
  VERGE_CHECK(row >= 0 && count >= 0 && row + count <= most, row, count, most);
  const TensorView& rows = decoder.ran->output(output);
  const int64_t width = rows.shape.back();
  return {rows.as<float>() + row * width, static_cast<size_t>(count * width)};
}

// The sequence has what the step wrote for it.
void grow(std::span<const StepItem> items, const StepItem& item) {
  if (item.branch_of >= 0) {
    const auto& trunk = items[static_cast<size_t>(item.branch_of)].sequence->tokens();
    item.sequence->extend(std::span(trunk).subspan(static_cast<size_t>(item.sequence->length()),
                                                   static_cast<size_t>(item.branch_at)));
  }
  const int64_t known = item.sequence->length() - first_of(item);  // by layers that ran ahead
  if (known < item.rows()) {
    item.sequence->extend(item.tokens.subspan(static_cast<size_t>(known)));
  }
}

// One run of the plan, as fast as the decoder may be; false where it did not end.
bool run_timed(Plan& plan, Decoder& decoder, const std::array<int64_t, 3>& extents,
               const std::atomic<bool>* cancel) {
  const SystemClock clock;
  const ThreadClock busy;
  const double begin_s = clock.seconds(), busy_s = busy.seconds();
  const bool has_ended = plan.run(extents, cancel);
  decoder.slowdown.after(busy.seconds() - busy_s, clock.seconds() - begin_s);
  decoder.run_s += clock.seconds() - begin_s;
  ++decoder.runs;
  return has_ended;
}

// Runs the items, which have been checked, on one of the decoder's plans, of so many layers.
Status run_on(Plan& plan, int64_t layers, Decoder& decoder, std::span<const StepItem> items,
              const std::atomic<bool>* cancel) {
  Reservation reservation(items);
  VERGE_RETURN_IF_ERROR(reservation.take());
  // A run that is stopped half-way has written over the last ones.
  decoder.outputs = decoder.rows = 0;
  decoder.ran = &plan;
  Filler filler(decoder, plan, items);
  for (const StepItem& item : items) filler.add(item);
  if (!run_timed(plan, decoder, filler.extents(), cancel)) {
    return plan.failure() ? *plan.failure() : make_error(Code::Cancelled, "stopped");
  }
  reservation.keep();
  for (const StepItem& item : items) grow(items, item);
  const Extents extents = extents_of(items);
  decoder.outputs = extents.outputs;
  decoder.rows = extents.tokens;
  decoder.layer_tokens += layers * extents.tokens;
  return {};
}

}  // namespace

Status run_step(Decoder& decoder, std::span<const StepItem> items,
                const std::atomic<bool>* cancel) {
  if (items.empty()) return {};
  VERGE_RETURN_IF_ERROR(check_whole(decoder, items, decoder.max_outputs));
  Plan& plan = extents_of(items).growth == 1 ? decoder.decode : decoder.prefill;
  return run_on(plan, decoder.layers, decoder, items, cancel);
}

Status run_hidden(Decoder& decoder, std::span<const StepItem> items,
                  const std::atomic<bool>* cancel) {
  VERGE_CHECK(decoder.hidden != nullptr, items.size());
  if (items.empty()) return {};
  VERGE_RETURN_IF_ERROR(check_whole(decoder, items, decoder.max_tokens));
  return run_on(*decoder.hidden, decoder.layers, decoder, items, cancel);
}

Status run_layers(LayerPlans& layers, Decoder& decoder, std::span<const StepItem> items,
                  const std::atomic<bool>* cancel) {
  if (items.empty()) return {};
  VERGE_RETURN_IF_ERROR(check_layers(layers, decoder, items));
  Plan& plan = extents_of(items).tokens == 1 ? layers.decode : layers.prefill;
  return run_on(plan, layers.end_layer - layers.first_layer, decoder, items, cancel);
}

std::span<const float> step_logits(const Decoder& decoder, int64_t row) {
  return rows_of(decoder, "logits", row, 1, decoder.outputs);
}

std::span<const float> step_hidden(const Decoder& decoder, int64_t row) {
  return rows_of(decoder, "hidden", row, 1, decoder.outputs);
}

std::span<const float> step_states(const Decoder& decoder, int64_t row, int64_t count) {
  return rows_of(decoder, "end_states", row, count, decoder.rows);
}

int64_t next_chunk(int64_t rest, int64_t most, int64_t min_chunk) {
  if (rest <= most) return rest;
  const int64_t chunk = std::min(most, rest - min_chunk);
  return chunk >= min_chunk ? chunk : 0;
}

int64_t chunk_to_run(const Decoder& decoder, int64_t rest, int64_t most) {
  const int64_t chunk = next_chunk(rest, most, decoder.min_chunk);
  return chunk > 0 ? chunk : std::min(rest, most);
}

}  // namespace verge::runtime
