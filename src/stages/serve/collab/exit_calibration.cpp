#include <algorithm>
#include <functional>

#include <verge/engine/model/layer_chain.hpp>
#include <verge/engine/text/sampler_stages.hpp>
#include <verge/stages/serve/collab/exit_calibration.hpp>

namespace verge::serve {
namespace {

class Calibrator {
 public:
  Calibrator(const CalibrationOptions& options, int64_t vocab, model::LayerChain heads)
      : options_(options), vocab_(vocab), heads_(std::move(heads)) {}

  Status prepare(model::LanguageModel& model, std::span<const int64_t> exits, const Clock& clock) {
    calibration_.exits.assign(exits.begin(), exits.end());
    held_out_.resize(exits.size());
    for (const int64_t exit : exits.first(exits.size() - 1)) {
      auto& trials = trials_.emplace_back();
      for (const std::string& codec : options_.codecs) {
        VERGE_TRY(CodecTrial trial, CodecTrial::create(model, exit, codec, clock));
        trials.push_back(std::move(trial));
      }
    }
    return {};
  }

  void begin() {
    heads_.begin();
    for (auto& trials : trials_) {
      for (CodecTrial& trial : trials) trial.begin();
    }
  }

  // Tokens of the part that temperatures and codecs are fitted on; `target` follows them.
  Status fit_on(std::span<const int32_t> tokens, int32_t target) {
    VERGE_TRY(const model::ChainRows rows, heads_.run(tokens));
    for (size_t exit = 0; exit < held_out_.size(); ++exit) {
      const std::vector<float>& logits = rows.logits[exit];
      held_out_[exit].insert(held_out_[exit].end(), logits.begin(), logits.end());
    }
    targets_.push_back(target);
    for (size_t exit = 0; exit < trials_.size(); ++exit) {
      for (CodecTrial& trial : trials_[exit]) {
        VERGE_RETURN_IF_ERROR(trial.run(tokens, rows.states[exit], rows.logits.back()));
      }
    }
    return {};
  }

  Status finish_fit() {
    for (const auto& logits : held_out_) {
      VERGE_TRY(calibration_.fits.emplace_back(),
                quality::fit_temperature(logits, vocab_, targets_));
    }
    for (size_t exit = 0; exit < options_.temperatures.size(); ++exit) {
      calibration_.fits.at(exit).temperature = options_.temperatures[exit];
    }
    held_out_.clear();
    for (auto& trials : trials_) {
      ExitCodecs& codecs = calibration_.codecs.emplace_back();
      for (const CodecTrial& trial : trials) codecs.losses.push_back(trial.loss());
      codecs.chosen = choose_codec(codecs.losses, options_.choice);
      if (codecs.chosen > 0) trials.front() = std::move(trials[codecs.chosen]);
      trials.erase(trials.begin() + 1, trials.end());
    }
    return {};
  }

  Status record(std::span<const int32_t> tokens) {
    VERGE_TRY(const model::ChainRows rows, heads_.run(tokens));
    const int32_t whole = text::argmax(rows.logits.back());
    for (size_t exit = 0; exit < calibration_.exits.size(); ++exit) {
      const std::vector<float>& logits = rows.logits[exit];
      const double temperature = calibration_.fits[exit].temperature;
      ExitOpinion opinion{.confidence = exit_confidence(logits, temperature, options_.measure),
                          .agrees = text::argmax(logits) == whole};
      if (exit < trials_.size()) {
        VERGE_TRY(opinion.agrees_coded,
                  trials_[exit].front().run(tokens, rows.states[exit], rows.logits.back()));
      }
      calibration_.opinions.push_back(opinion);
    }
    return {};
  }

  ExitCalibration take() { return std::move(calibration_); }

 private:
  const CalibrationOptions& options_;
  int64_t vocab_;
  model::LayerChain heads_;
  std::vector<std::vector<CodecTrial>> trials_;  // of each exit but the last
  std::vector<std::vector<float>> held_out_;     // logits [rows, vocab] of each exit
  std::vector<int32_t> targets_;
  ExitCalibration calibration_;
};

Status check_calibration(std::span<const int32_t> text, const CalibrationOptions& options) {
  const auto tokens = static_cast<int64_t>(text.size());
  if (options.stride < 1 || options.window < options.stride || options.most_records < 4) {
    return make_error(Code::InvalidArgument,
                      "windows of {} tokens with a record each {}, {} at most; use a stride of 1 "
                      "to the window, and 4 records or more",
                      options.window, options.stride, options.most_records);
  }
  if (options.codecs.empty()) {
    return make_error(Code::InvalidArgument, "no codecs to choose from; give one");
  }
  if (tokens > 4 * options.window) return {};
  return make_error(Code::InvalidArgument,
                    "a text of {} tokens says little of exits; give more than {}", tokens,
                    4 * options.window);
}

Status check_exits(const model::LanguageModel& model, std::span<const int64_t> exits) {
  const std::string& path = model.source().path;
  for (const int64_t exit : exits) {
    if (exit < model.config().layers && model.config().has_head(exit)) continue;
    return make_error(Code::Unsupported, "{}: no exit after {} layers; it has them after {}", path,
                      exit, fmt::join(model.config().exit_layers, ", "));
  }
  if (exits.size() >= 2 && std::ranges::adjacent_find(exits, std::greater_equal()) == exits.end()) {
    return {};
  }
  return make_error(Code::InvalidArgument, "{}: exits after {} layers; give two or more, in order",
                    path, fmt::join(exits, ", "));
}

}  // namespace

std::vector<ExitRecord> ExitCalibration::records(size_t first, size_t second) const {
  VERGE_CHECK(first < second && second < exits.size(), first, second, exits.size());
  std::vector<ExitRecord> records;
  for (size_t row = 0; row < opinions.size(); row += exits.size()) {
    const ExitOpinion& low = opinions[row + first];
    const ExitOpinion& high = opinions[row + second];
    records.push_back({.confidence1 = low.confidence,
                       .confidence2 = high.confidence,
                       .agrees1 = low.agrees,
                       .agrees2 = high.agrees,
                       .agrees_cloud = low.agrees_coded});
  }
  return records;
}

int64_t calibration_kv_tokens(int64_t exits, const CalibrationOptions& options) {
  return options.window * (1 + (exits - 1) * std::ssize(options.codecs));
}

Result<ExitCalibration> calibrate_exits(model::LanguageModel& model, std::span<const int64_t> exits,
                                        std::span<const int32_t> text,
                                        const CalibrationOptions& options, const Clock& clock) {
  VERGE_RETURN_IF_ERROR(check_calibration(text, options));
  VERGE_RETURN_IF_ERROR(check_exits(model, exits));
  VERGE_TRY(model::LayerChain heads, model::LayerChain::create(model, exits));
  Calibrator calibrator(options, model.decoder().vocab, std::move(heads));
  VERGE_RETURN_IF_ERROR(calibrator.prepare(model, exits, clock));
  const auto stride = static_cast<size_t>(options.stride);
  const auto window = static_cast<size_t>(options.window) / stride * stride;
  const auto records =
      std::min(static_cast<size_t>(options.most_records), (text.size() - 1) / stride);
  for (size_t i = 0; i < records; ++i) {
    const size_t from = i * stride;
    if (from % window == 0) calibrator.begin();
    if (i == records / 4) VERGE_RETURN_IF_ERROR(calibrator.finish_fit());
    const auto tokens = text.subspan(from, stride);
    if (i < records / 4) {
      VERGE_RETURN_IF_ERROR(calibrator.fit_on(tokens, text[from + stride]));
    } else {
      VERGE_RETURN_IF_ERROR(calibrator.record(tokens));
    }
  }
  return calibrator.take();
}

}  // namespace verge::serve
