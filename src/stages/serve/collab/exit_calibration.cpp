#include <algorithm>

#include <verge/engine/runtime/step.hpp>
#include <verge/engine/text/sampler_stages.hpp>
#include <verge/stages/serve/collab/exit_calibration.hpp>

namespace verge::serve {
namespace {

// Logits of the three heads after one position.
struct HeadLogits {
  std::vector<float> exit1;
  std::vector<float> exit2;
  std::vector<float> whole;
};

class HeadRunner {
 public:
  static Result<HeadRunner> create(model::LanguageModel& model, int64_t exit1, int64_t exit2) {
    for (const int64_t exit : {exit1, exit2}) {
      if (model.config().has_head(exit)) continue;
      return make_error(Code::Unsupported, "{}: no exit after {} layers; it has them after {}",
                        model.source().path, exit, fmt::join(model.config().exit_layers, ", "));
    }
    VERGE_TRY(runtime::LayerPlans * low, model.prepare_layers({0, exit1}));
    VERGE_TRY(runtime::LayerPlans * middle, model.prepare_layers({exit1, exit2}));
    VERGE_TRY(runtime::LayerPlans * high, model.prepare_layers({exit2, 0}));
    return HeadRunner(model.decoder(), *low, *middle, *high);
  }

  void begin() { sequence_.truncate(0); }

  // What the heads say after the last of these tokens.
  Result<HeadLogits> run(std::span<const int32_t> tokens) {
    HeadLogits logits;
    const int64_t from = sequence_.length();
    std::vector<float> states;
    VERGE_TRY(logits.exit1, run_part(*low_, tokens, from, states));
    VERGE_TRY(logits.exit2, run_part(*middle_, tokens, from, states));
    VERGE_TRY(logits.whole, run_part(*high_, tokens, from, states));
    return logits;
  }

 private:
  HeadRunner(runtime::Decoder& decoder, runtime::LayerPlans& low, runtime::LayerPlans& middle,
             runtime::LayerPlans& high)
      : decoder_(&decoder), low_(&low), middle_(&middle), high_(&high), sequence_(decoder) {}

  Result<std::vector<float>> run_part(runtime::LayerPlans& part, std::span<const int32_t> tokens,
                                      int64_t from, std::vector<float>& states) {
    const runtime::StepItem item{
        .sequence = &sequence_, .tokens = tokens, .states = states, .first = from};
    VERGE_RETURN_IF_ERROR(runtime::run_layers(part, *decoder_, {&item, 1}));
    const auto logits = runtime::step_logits(*decoder_, 0);
    std::vector<float> copy(logits.begin(), logits.end());
    if (&part == high_) return copy;
    const auto after = runtime::step_states(*decoder_, 0, item.rows());
    states.assign(after.begin(), after.end());
    return copy;
  }

  runtime::Decoder* decoder_;
  runtime::LayerPlans* low_;
  runtime::LayerPlans* middle_;
  runtime::LayerPlans* high_;
  runtime::Sequence sequence_;
};

// Rows to fit temperatures on.
struct HeldOut {
  std::vector<float> exit1;
  std::vector<float> exit2;
  std::vector<int32_t> targets;
};

ExitRecord record_of(const HeadLogits& logits, const ExitCalibration& fit,
                     ConfidenceMeasure measure) {
  const int32_t whole = text::argmax(logits.whole);
  return {.confidence1 = exit_confidence(logits.exit1, fit.exit1.temperature, measure),
          .confidence2 = exit_confidence(logits.exit2, fit.exit2.temperature, measure),
          .agrees1 = text::argmax(logits.exit1) == whole,
          .agrees2 = text::argmax(logits.exit2) == whole};
}

Status fit_temperatures(const HeldOut& held_out, int64_t vocab, ExitCalibration& calibration) {
  VERGE_TRY(calibration.exit1, fit_exit_temperature(held_out.exit1, vocab, held_out.targets));
  VERGE_TRY(calibration.exit2, fit_exit_temperature(held_out.exit2, vocab, held_out.targets));
  return {};
}

Status check_calibration(std::span<const int32_t> text, const CalibrationOptions& options) {
  const auto tokens = static_cast<int64_t>(text.size());
  if (options.stride < 1 || options.window < options.stride || options.most_records < 4) {
    return make_error(Code::InvalidArgument,
                      "windows of {} tokens with a record each {}, {} at most; use a stride of 1 "
                      "to the window, and 4 records or more",
                      options.window, options.stride, options.most_records);
  }
  if (tokens > 4 * options.window) return {};
  return make_error(Code::InvalidArgument,
                    "a text of {} tokens says little of exits; give more than {}", tokens,
                    4 * options.window);
}

}  // namespace

Result<ExitCalibration> calibrate_exits(model::LanguageModel& model, int64_t exit1, int64_t exit2,
                                        std::span<const int32_t> text,
                                        const CalibrationOptions& options) {
  VERGE_RETURN_IF_ERROR(check_calibration(text, options));
  VERGE_TRY(HeadRunner heads, HeadRunner::create(model, exit1, exit2));
  const auto stride = static_cast<size_t>(options.stride);
  const auto window = static_cast<size_t>(options.window) / stride * stride;
  const auto records =
      std::min(static_cast<size_t>(options.most_records), (text.size() - 1) / stride);
  HeldOut held_out;
  ExitCalibration calibration;
  for (size_t i = 0; i < records; ++i) {
    const size_t from = i * stride;
    if (from % window == 0) heads.begin();
    VERGE_TRY(const HeadLogits logits, heads.run(text.subspan(from, stride)));
    if (i < records / 4) {
      held_out.exit1.insert(held_out.exit1.end(), logits.exit1.begin(), logits.exit1.end());
      held_out.exit2.insert(held_out.exit2.end(), logits.exit2.begin(), logits.exit2.end());
      held_out.targets.push_back(text[from + stride]);
      continue;
    }
    if (calibration.records.empty()) {
      VERGE_RETURN_IF_ERROR(fit_temperatures(held_out, model.decoder().vocab, calibration));
    }
    calibration.records.push_back(record_of(logits, calibration, options.measure));
  }
  return calibration;
}

}  // namespace verge::serve
