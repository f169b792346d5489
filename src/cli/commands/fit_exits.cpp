#include <verge/cli/command.hpp>
#include <verge/cli/exit_policy.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/options.hpp>
#include <verge/core/file.hpp>
#include <verge/platform/store/sha256.hpp>
#include <verge/stages/serve/collab/exit_calibration.hpp>
#include <verge/stages/serve/collab/split_identity.hpp>

namespace verge::cli::commands {
namespace {

constexpr int64_t kMostTextBytes = int64_t{256} << 20;

struct Options {
  ModelOptions model;
  std::string text;
  std::string out;
  std::string measure;
  serve::ThresholdOptions thresholds;
  serve::CalibrationOptions calibration;
};

struct Fitted {
  ExitPolicy policy;
  serve::ExitCalibration calibration;
  serve::ThresholdFit fit;
};

Result<Fitted> fit(const Options& options) {
  VERGE_TRY(const std::string text, read_whole_file(options.text, kMostTextBytes));
  VERGE_TRY(const auto pool, options.model.threads.make_pool());
  VERGE_TRY(model::LoadOptions load, options.model.load_options());
  load.context = std::max(load.context, options.calibration.window);
  VERGE_TRY(const std::string path, model_path(options.model.model));
  VERGE_TRY(const auto model, model::LanguageModel::load(path, load, *pool));
  VERGE_TRY(const serve::SplitIdentity split, serve::split_identity(*model));
  Fitted fitted;
  VERGE_TRY(fitted.calibration,
            serve::calibrate_exits(*model, split.exit1, split.exit2,
                                   model->tokenizer().encode(text), options.calibration));
  const serve::ExitCalibration& calibration = fitted.calibration;
  VERGE_TRY(fitted.fit, serve::fit_thresholds(calibration.records, options.thresholds));
  fitted.policy = {
      .model_hash = split.model_hash,
      .exits = {split.exit1, split.exit2},
      .thetas = {fitted.fit.theta1, fitted.fit.theta2},
      .temperatures = {calibration.exit1.temperature, calibration.exit2.temperature},
      .measure = options.calibration.measure,
      .agreement = options.thresholds.agreement,
      .bound = fitted.fit.bound,
      .cloud_rate = fitted.fit.predicted.cloud,
      .text_sha256 = store::sha256(text),
      .records = std::ssize(calibration.records),
  };
  return fitted;
}

Json to_json(const Fitted& fitted) {
  const auto exit = [](const serve::CalibrationFit& fit, double theta) {
    return Json{{"theta", theta},
                {"temperature", fit.temperature},
                {"nll_before", fit.nll_before},
                {"nll_after", fit.nll_after},
                {"calibration_error_before", fit.error_before},
                {"calibration_error_after", fit.error_after}};
  };
  const serve::ExitRates& rates = fitted.fit.predicted;
  return {{"exit1", exit(fitted.calibration.exit1, fitted.fit.theta1)},
          {"exit2", exit(fitted.calibration.exit2, fitted.fit.theta2)},
          {"records", fitted.policy.records},
          {"agreement", fitted.policy.agreement},
          {"disagreement_bound", fitted.fit.bound},
          {"predicted",
           {{"exit1", rates.exit1},
            {"exit2", rates.exit2},
            {"cloud", rates.cloud},
            {"disagreement", rates.disagreement}}}};
}

void print_text(const Options& options, const Fitted& fitted, std::ostream& out) {
  const auto print_exit = [&](int number, const serve::CalibrationFit& fit, double theta) {
    out << fmt::format(
        "exit {} after {} layers: from {:.3f} on; temperature {:.3f} (calibration error {:.3f}, "
        "before {:.3f})\n",
        number, fitted.policy.exits[static_cast<size_t>(number - 1)], theta, fit.temperature,
        fit.error_after, fit.error_before);
  };
  print_exit(1, fitted.calibration.exit1, fitted.fit.theta1);
  print_exit(2, fitted.calibration.exit2, fitted.fit.theta2);
  const serve::ExitRates& rates = fitted.fit.predicted;
  out << fmt::format(
      "of each 100 tokens {:.0f} by exit 1, {:.0f} by exit 2, {:.0f} by the cloud; {:.1f} differ "
      "from "
      "the whole model's, at most {:.1f} with {:.0f} % confidence ({} positions)\n",
      100 * rates.exit1, 100 * rates.exit2, 100 * rates.cloud, 100 * rates.disagreement,
      100 * fitted.fit.bound, 100 * (1 - options.thresholds.delta), fitted.policy.records);
  if (fitted.fit.theta1 == 1 && fitted.fit.theta2 == 1) {
    out << "no thresholds keep that promise: give more text, or a lower --agree\n";
  }
  if (!options.out.empty()) out << "written to " << options.out << "\n";
}

Status execute(Options options, Context& context) {
  options.calibration.measure = *serve::confidence_measure(options.measure);
  VERGE_TRY(const Fitted fitted, fit(options));
  if (!options.out.empty()) VERGE_RETURN_IF_ERROR(write_policy(fitted.policy, options.out));
  if (context.json) {
    print_json_line(to_json(fitted), context.out);
  } else {
    print_text(options, fitted, context.out);
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  options->model.declare(parser);
  std::vector<std::string> measures;
  for (const auto measure : {serve::ConfidenceMeasure::MaxProbability,
                             serve::ConfidenceMeasure::Margin, serve::ConfidenceMeasure::Entropy}) {
    measures.emplace_back(serve::name(measure));
  }
  options->measure = measures.front();
  parser.add_option("--calib", options->text, "Text to fit on, which the model did not learn")
      .required();
  parser.add_option("-o,--out", options->out, "Write the policy here, for `verge run --policy`");
  parser.add_option("--agree", options->thresholds.agreement,
                    "Share of tokens that must be the whole model's, after the same text");
  parser.add_option("--delta", options->thresholds.delta, "Chance that the promise is not kept");
  parser.add_option("--measure", options->measure, "What confidence is").one_of(measures);
  parser.add_option("--records", options->calibration.most_records, "Most positions to look at")
      .positive();
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command fit_exits() {
  return {"fit exits", "Models", "Find how sure early exits must be to agree with the whole model",
          "  verge fit exits model.gguf --calib article.txt --agree 0.9 -o policy.json", declare};
}

}  // namespace verge::cli::commands
