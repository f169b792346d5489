#include <algorithm>
#include <array>

#include <verge/engine/runtime/step.hpp>

namespace verge::runtime {
namespace {

struct Extents {
  int64_t tokens = 0;
  int64_t outputs = 0;
  int64_t growth = 0;
};

Extents extents_of(std::span<const StepItem> items) {
  Extents sum;
  for (const StepItem& item : items) {
    sum.tokens += static_cast<int64_t>(item.tokens.size());
    sum.outputs += item.outputs;
    sum.growth += item.growth();
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

Status check_extents(const Decoder& decoder, std::span<const StepItem> items, int64_t max_outputs) {
  const Extents extents = extents_of(items);
  const auto count = static_cast<int64_t>(items.size());
  if (extents.growth <= decoder.max_tokens && count <= decoder.max_sequences &&
      extents.outputs <= max_outputs) {
    return {};
  }
  return make_error(Code::InvalidArgument,
                    "a step of {} tokens, {} sequences and {} rows of logits; the plans are for at "
                    "most {}, {} and {}",
                    extents.growth, count, extents.outputs, decoder.max_tokens,
                    decoder.max_sequences, max_outputs);
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

Status check(const Decoder& decoder, std::span<const StepItem> items, int64_t max_outputs) {
  for (size_t i = 0; i < items.size(); ++i) {
    const StepItem& item = items[i];
    VERGE_CHECK(&item.sequence->decoder() == &decoder, i);
    VERGE_CHECK(!item.tokens.empty(), i);
    const auto count = static_cast<int64_t>(item.tokens.size());
    VERGE_CHECK(item.outputs >= 0 && item.outputs <= count, item.outputs, count);
    const auto is_same = [&](const StepItem& o) { return o.sequence == item.sequence; };
    VERGE_CHECK(std::ranges::none_of(items.first(i), is_same), i);
    check_branch(items, i);
    VERGE_RETURN_IF_ERROR(check_tokens(item.tokens, decoder.vocab));
    VERGE_RETURN_IF_ERROR(check_adapter(decoder, item.adapter));
  }
  return check_extents(decoder, items, max_outputs);
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
      VERGE_RETURN_IF_ERROR(item.sequence->reserve(item.sequence->length() + item.growth()));
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
        tokens_(plan.input("tokens").as<int32_t>()),
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
    std::ranges::copy(item.sequence->pages(), table_ + items_ * table_width_);
    int64_t position = item.sequence->length();
    for (int64_t k = 0; k < item.branch_at; ++k, ++position) {
      add_write(item, position, row_of_token(step_, static_cast<size_t>(items_), k));
    }
    for (const int32_t token : item.tokens) {
      tokens_[count_] = token;
      positions_[count_] = static_cast<int32_t>(position);
      add_write(item, position, count_);
      sequences_[count_] = static_cast<int32_t>(items_);
      if (adapters_ != nullptr) adapters_[count_] = item.adapter;
      ++count_, ++position;
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
  int32_t *tokens_, *positions_, *slots_, *slot_tokens_, *sequences_, *rows_, *table_;
  int64_t table_width_;
  int32_t *adapters_, *output_adapters_;  // null where the graph has no adapters
  int64_t items_ = 0, count_ = 0, outputs_ = 0, writes_ = 0;
};

std::span<const float> row_of(const Decoder& decoder, std::string_view output, int64_t row) {
  VERGE_CHECK(row >= 0 && row < decoder.outputs, row, decoder.outputs);
  const TensorView& rows = decoder.ran->output(output);
  const int64_t width = rows.shape.back();
  return {rows.as<float>() + row * width, static_cast<size_t>(width)};
}

// The sequence has what the step wrote for it.
void grow(std::span<const StepItem> items, const StepItem& item) {
  if (item.branch_of >= 0) {
    const auto& trunk = items[static_cast<size_t>(item.branch_of)].sequence->tokens();
    item.sequence->extend(std::span(trunk).subspan(static_cast<size_t>(item.sequence->length()),
                                                   static_cast<size_t>(item.branch_at)));
  }
  item.sequence->extend(item.tokens);
}

// Runs the items, which have been checked, on one of the decoder's plans.
Status run_on(Plan& plan, Decoder& decoder, std::span<const StepItem> items,
              const std::atomic<bool>* cancel) {
  Reservation reservation(items);
  VERGE_RETURN_IF_ERROR(reservation.take());
  decoder.outputs = 0;  // a run that is stopped half-way has written over the last ones
  decoder.ran = &plan;
  Filler filler(decoder, plan, items);
  for (const StepItem& item : items) filler.add(item);
  if (!plan.run(filler.extents(), cancel)) {
    return plan.failure() ? *plan.failure() : make_error(Code::Cancelled, "stopped");
  }
  reservation.keep();
  for (const StepItem& item : items) grow(items, item);
  decoder.outputs = extents_of(items).outputs;
  return {};
}

}  // namespace

Status run_step(Decoder& decoder, std::span<const StepItem> items,
                const std::atomic<bool>* cancel) {
  if (items.empty()) return {};
  VERGE_RETURN_IF_ERROR(check(decoder, items, decoder.max_outputs));
  Plan& plan = extents_of(items).growth == 1 ? decoder.decode : decoder.prefill;
  return run_on(plan, decoder, items, cancel);
}

Status run_hidden(Decoder& decoder, std::span<const StepItem> items,
                  const std::atomic<bool>* cancel) {
  VERGE_CHECK(decoder.hidden != nullptr, items.size());
  if (items.empty()) return {};
  VERGE_RETURN_IF_ERROR(check(decoder, items, decoder.max_tokens));
  return run_on(*decoder.hidden, decoder, items, cancel);
}

Status run_exit(Plan& exit, Decoder& decoder, std::span<const StepItem> items,
                const std::atomic<bool>* cancel) {
  if (items.empty()) return {};
  for (const StepItem& item : items) VERGE_CHECK(item.tokens.size() == 1, item.tokens.size());
  VERGE_RETURN_IF_ERROR(check(decoder, items, decoder.max_sequences));
  return run_on(exit, decoder, items, cancel);
}

std::span<const float> step_logits(const Decoder& decoder, int64_t row) {
  return row_of(decoder, "logits", row);
}

std::span<const float> step_hidden(const Decoder& decoder, int64_t row) {
  return row_of(decoder, "hidden", row);
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
