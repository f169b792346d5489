#include <algorithm>
#include <cmath>

#include <verge/cli/collab_prediction.hpp>
#include <verge/cli/exit_fit.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/core/clock.hpp>
#include <verge/core/file.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/model/split_facts.hpp>
#include <verge/platform/store/sha256.hpp>
#include <verge/stages/serve/collab/node_times.hpp>

namespace verge::cli {
namespace {

constexpr int64_t kMostTextBytes = int64_t{256} << 20;

Result<std::vector<int64_t>> wanted_exits(const format::ModelSource& source,
                                          const ExitFitOptions& options) {
  VERGE_TRY(const nn::DecoderConfig config, nn::read_config(model::FileFacts(source)));
  std::vector<int64_t> exits = options.exits.empty() ? config.exit_layers : options.exits;
  if (!options.exits.empty() && exits.size() != 2) {
    return make_error(Code::InvalidArgument, "--exits names {} exits; give two, as --exits 2,4",
                      exits.size());
  }
  if (exits.size() < 2) {
    return make_error(Code::Unsupported,
                      "{}: it has {} early exits, two are needed; train them (`verge adapt exits`)",
                      source.path, exits.size());
  }
  if (options.exits.empty()) std::ranges::sort(exits);
  if (options.exits.empty() && options.link.link.empty()) exits.resize(2);
  return exits;
}

class ExitFitter {
 public:
  explicit ExitFitter(const ExitFitOptions& options) : options_(options) {}

  Result<ExitFit> run() {
    VERGE_TRY(const std::string text, read_whole_file(options_.text, kMostTextBytes));
    VERGE_TRY(const auto trace, options_.link.read());
    VERGE_TRY(const auto pool, options_.model.threads.make_pool());
    VERGE_TRY(const std::string path, model_path(options_.model.model));
    VERGE_TRY(const auto source, format::ModelSource::open(path));
    VERGE_TRY(const std::string hash, model::model_hash(source));
    serve::CalibrationOptions calibration = options_.calibration;
    if (!options_.check.empty()) {
      VERGE_RETURN_IF_ERROR(read_checked(hash, store::sha256(text), calibration));
    }
    VERGE_TRY(const std::vector<int64_t> exits, exits_to_run(source));
    if (trace) calibration.choice.link_bytes_per_s = link_cost(*trace).bytes_per_s;
    VERGE_TRY(const auto model, load(path, exits, calibration, *pool));
    VERGE_TRY(fit_.calibration,
              serve::calibrate_exits(*model, exits, model->tokenizer().encode(text), calibration,
                                     clock_));
    VERGE_RETURN_IF_ERROR(checked_ ? judge(*checked_) : fit_pairs());
    if (trace) VERGE_RETURN_IF_ERROR(plan(*model, link_cost(*trace)));
    if (options_.splits > 0) VERGE_RETURN_IF_ERROR(try_promise());
    make_policy(hash, store::sha256(text));
    return std::move(fit_);
  }

 private:
  Result<std::unique_ptr<model::LanguageModel>> load(const std::string& path,
                                                     const std::vector<int64_t>& exits,
                                                     const serve::CalibrationOptions& calibration,
                                                     ThreadPool& pool) const {
    VERGE_TRY(model::LoadOptions load, options_.model.load_options());
    load.context = std::max(load.context, calibration.window);
    load.kv_tokens = serve::calibration_kv_tokens(std::ssize(exits), calibration);
    load.max_sequences = serve::kMostTimedRows;
    return model::LanguageModel::load(path, load, pool);
  }

  Result<std::vector<int64_t>> exits_to_run(const format::ModelSource& source) const {
    if (!checked_) return wanted_exits(source, options_);
    return std::vector<int64_t>(checked_->exits.begin(), checked_->exits.end());
  }

  Status read_checked(const std::string& model_hash, const std::string& text_sha256,
                      serve::CalibrationOptions& calibration) {
    VERGE_TRY(checked_, read_policy(options_.check));
    VERGE_RETURN_IF_ERROR(check_policy(*checked_, options_.check, model_hash, checked_->exits));
    if (checked_->text_sha256 == text_sha256) {
      return make_error(Code::Conflict,
                        "{}: was fitted on this very text; judge it by another (--calib)",
                        options_.check);
    }
    calibration.measure = checked_->measure;
    calibration.codecs = {checked_->codec};
    calibration.temperatures = {checked_->temperatures.begin(), checked_->temperatures.end()};
    return {};
  }

  // What the policy's thresholds do on this text.
  Status judge(const ExitPolicy& policy) {
    const auto records = fit_.calibration.records(0, 1);
    PairFit pair{.exits = {0, 1}};
    serve::ThresholdFit& found = pair.thresholds;
    found.theta1 = policy.thetas[0];
    found.theta2 = policy.thetas[1];
    found.predicted = serve::exit_rates(records, found.theta1, found.theta2);
    const auto differing =
        std::llround(found.predicted.disagreement * static_cast<double>(records.size()));
    found.bound = serve::upper_bound(options_.thresholds.bound, differing, std::ssize(records),
                                     options_.thresholds.delta);
    fit_.pairs = {pair};
    return {};
  }

  Status fit_pairs() {
    const size_t exits = fit_.calibration.exits.size();
    for (size_t first = 0; first + 1 < exits; ++first) {
      for (size_t second = first + 1; second < exits; ++second) {
        PairFit pair{.exits = {first, second}};
        VERGE_TRY(pair.thresholds, serve::fit_thresholds(fit_.calibration.records(first, second),
                                                         options_.thresholds));
        fit_.pairs.push_back(pair);
      }
    }
    return {};
  }

  Status try_promise() {
    const auto [first, second] = fit_.pair().exits;
    const serve::CalibrationOptions& calibration = options_.calibration;
    VERGE_TRY(fit_.trial,
              serve::try_promise(
                  fit_.calibration.records(first, second), options_.thresholds,
                  {.splits = options_.splits, .block = calibration.window / calibration.stride}));
    return {};
  }

  const serve::CodecLoss& codec_of(const PairFit& pair) const {
    const serve::ExitCodecs& codecs = fit_.calibration.codecs[pair.exits[0]];
    return codecs.losses[codecs.chosen];
  }

  Status plan(model::LanguageModel& model, const serve::LinkCost& link) {
    ExitPlan& plan = fit_.plan.emplace();
    plan.link = link;
    VERGE_TRY(plan.machine, serve::measure_node(model, clock_));
    VERGE_TRY(plan.device, device_cost(plan.machine));
    const int64_t layers = model.config().layers;
    plan.cloud = serve::predict_cloud_cost(layers, plan.machine, link);
    std::vector<serve::SplitChoice> choices;
    for (PairFit& pair : fit_.pairs) {
      const serve::CodecLoss& codec = codec_of(pair);
      const serve::SplitCase split{.layers = layers,
                                   .exit1 = fit_.calibration.exits[pair.exits[0]],
                                   .exit2 = fit_.calibration.exits[pair.exits[1]],
                                   .bytes_per_state = codec.bytes,
                                   .encode_s = codec.encode_s / options_.device_speed,
                                   .rates = pair.thresholds.predicted};
      pair.cost = serve::predict_cost(split, plan.device, plan.machine, link);
      choices.push_back({.split = split});
    }
    VERGE_TRY(const serve::PlannedSplit best,
              serve::plan_split(choices, plan.device, plan.machine, link));
    fit_.chosen = best.choice;
    return {};
  }

  Result<serve::NodeCost> device_cost(const serve::NodeCost& machine) const {
    if (!(options_.device_speed > 0)) {
      return make_error(Code::InvalidArgument, "--device-speed {}: give a number above 0",
                        options_.device_speed);
    }
    if (options_.device.empty()) return at_speed(machine, options_.device_speed);
    VERGE_TRY(const ExitPolicy policy, read_policy(options_.device));
    if (policy.machine) return at_speed(*policy.machine, options_.device_speed);
    return make_error(Code::InvalidArgument,
                      "{}: says nothing of a machine's times; write it on the device, by `verge "
                      "fit exits --link`",
                      options_.device);
  }

  void make_policy(const std::string& model_hash, const std::string& text_sha256) {
    const PairFit& pair = fit_.pair();
    const serve::ExitCalibration& calibration = fit_.calibration;
    const auto [first, second] = pair.exits;
    const serve::CodecLoss& codec = codec_of(pair);
    fit_.policy = {
        .model_hash = model_hash,
        .exits = {calibration.exits[first], calibration.exits[second]},
        .thetas = {pair.thresholds.theta1, pair.thresholds.theta2},
        .temperatures = {calibration.fits[first].temperature, calibration.fits[second].temperature},
        .measure = checked_ ? checked_->measure : options_.calibration.measure,
        .codec = codec.codec,
        .codec_kl = codec.kl,
        .agreement = options_.thresholds.agreement,
        .bound = pair.thresholds.bound,
        .cloud_rate = pair.thresholds.predicted.cloud,
        .text_sha256 = text_sha256,
        .records = std::ssize(calibration.opinions) / std::ssize(calibration.exits),
    };
    if (fit_.plan) fit_.policy.machine = fit_.plan->machine;
  }

  const ExitFitOptions& options_;
  const SystemClock clock_;
  std::optional<ExitPolicy> checked_;
  ExitFit fit_;
};

}  // namespace

Result<ExitFit> fit_exits(ExitFitOptions options) {
  if (!options.codec.empty()) options.calibration.codecs = {options.codec};
  return ExitFitter(options).run();
}

}  // namespace verge::cli
