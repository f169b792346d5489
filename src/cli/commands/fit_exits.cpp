#include <verge/cli/command.hpp>
#include <verge/cli/exit_fit.hpp>
#include <verge/cli/json.hpp>
#include <verge/platform/net/codec/tensor_codec.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  ExitFitOptions fit;
  std::string out;
  std::string measure;
};

Json to_json(const serve::ExitRates& rates) {
  return {{"exit1", rates.exit1},
          {"exit2", rates.exit2},
          {"cloud", rates.cloud},
          {"disagreement", rates.disagreement}};
}

Json to_json(const serve::PredictedCost& cost) {
  return {{"token_s", cost.token_s},
          {"edge_s", cost.edge_s},
          {"exposed_s", cost.exposed_s},
          {"server_s", cost.server_s},
          {"server_load_s", cost.server_load_s},
          {"server_layer_tokens", cost.server_layer_tokens},
          {"bytes_up", cost.bytes_up}};
}

Json to_json(const serve::ExitCodecs& codecs) {
  Json list = Json::array();
  for (const serve::CodecLoss& loss : codecs.losses) {
    list.push_back({{"codec", loss.codec},
                    {"kl", loss.kl},
                    {"top1", loss.top1},
                    {"bytes_per_token", loss.bytes},
                    {"encode_s", loss.encode_s},
                    {"predictions", loss.predictions}});
  }
  return list;
}

Json plan_json(const ExitFit& fit) {
  Json pairs = Json::array();
  for (const PairFit& pair : fit.pairs) {
    const auto& codecs = fit.calibration.codecs[pair.exits[0]];
    pairs.push_back(
        {{"exits", {fit.calibration.exits[pair.exits[0]], fit.calibration.exits[pair.exits[1]]}},
         {"thetas", {pair.thresholds.theta1, pair.thresholds.theta2}},
         {"codec", codecs.losses[codecs.chosen].codec},
         {"rates", to_json(pair.thresholds.predicted)},
         {"cost", to_json(pair.cost)}});
  }
  return {{"link",
           {{"bytes_per_s", fit.plan->link.bytes_per_s},
            {"round_trip_s", fit.plan->link.round_trip_s}}},
          {"machine", cli::to_json(fit.plan->machine)},
          {"device", cli::to_json(fit.plan->device)},
          {"cloud", to_json(fit.plan->cloud)},
          {"pairs", pairs}};
}

Json to_json(const ExitFit& fit) {
  const auto exit = [&](size_t which, double theta) {
    const quality::CalibrationFit& of = fit.calibration.fits[fit.pair().exits[which]];
    return Json{{"after", fit.policy.exits[which]},
                {"theta", theta},
                {"temperature", of.temperature},
                {"nll_before", of.nll_before},
                {"nll_after", of.nll_after},
                {"calibration_error_before", of.error_before},
                {"calibration_error_after", of.error_after}};
  };
  const serve::ThresholdFit& thresholds = fit.pair().thresholds;
  Json json = {{"exit1", exit(0, thresholds.theta1)},
               {"exit2", exit(1, thresholds.theta2)},
               {"codec", fit.policy.codec},
               {"codecs", to_json(fit.codecs())},
               {"records", fit.policy.records},
               {"agreement", fit.policy.agreement},
               {"disagreement_bound", thresholds.bound},
               {"predicted", to_json(thresholds.predicted)}};
  if (fit.plan) json["plan"] = plan_json(fit);
  if (fit.trial) {
    json["trial"] = {{"splits", fit.trial->splits},
                     {"kept", fit.trial->kept},
                     {"worst_disagreement", fit.trial->worst},
                     {"disagreement", fit.trial->disagreement},
                     {"cloud", fit.trial->cloud}};
  }
  return json;
}

void print_codecs(const serve::ExitCodecs& codecs, std::ostream& out) {
  out << fmt::format("{:<7} {:>9} {:>7} {:>12} {:>10}\n", "codec", "KL", "agrees", "bytes/token",
                     "encode us");
  for (size_t i = 0; i < codecs.losses.size(); ++i) {
    const serve::CodecLoss& loss = codecs.losses[i];
    out << fmt::format("{:<7} {:>9.2g} {:>6.1f}% {:>12.0f} {:>10.1f}{}\n", loss.codec, loss.kl,
                       100 * loss.top1, loss.bytes, 1e6 * loss.encode_s,
                       i == codecs.chosen ? "  chosen" : "");
  }
}

void print_plan(const ExitFit& fit, std::ostream& out) {
  out << fmt::format("{:<8} {:>9} {:>9} {:>9} {:>9} {:>10} {:>11} {:>7}\n", "exits", "ms/token",
                     "device", "link", "server", "load ms", "bytes/token", "cloud");
  const auto row = [&](const std::string& name, const serve::PredictedCost& cost, double asked) {
    return fmt::format("{:<8} {:>9.2f} {:>9.2f} {:>9.2f} {:>9.2f} {:>10.2f} {:>11.0f} {:>6.0f}%",
                       name, 1e3 * cost.token_s, 1e3 * cost.edge_s, 1e3 * cost.exposed_s,
                       1e3 * cost.server_s, 1e3 * cost.server_load_s, cost.bytes_up, 100 * asked);
  };
  for (size_t i = 0; i < fit.pairs.size(); ++i) {
    const PairFit& pair = fit.pairs[i];
    const auto& exits = fit.calibration.exits;
    const std::string name = fmt::format("{},{}", exits[pair.exits[0]], exits[pair.exits[1]]);
    out << row(name, pair.cost, pair.thresholds.predicted.cloud)
        << (i == fit.chosen ? "  chosen\n" : "\n");
  }
  out << row("cloud", fit.plan->cloud, 1) << "\n";
}

void print_text(const Options& options, const ExitFit& fit, std::ostream& out) {
  if (fit.plan) print_plan(fit, out);
  for (size_t i = 0; i < 2; ++i) {
    const quality::CalibrationFit& exit = fit.calibration.fits[fit.pair().exits[i]];
    out << fmt::format(
        "exit {} after {} layers: from {:.3f} on; temperature {:.3f} (calibration error {:.3f}, "
        "before {:.3f})\n",
        i + 1, fit.policy.exits[i], fit.policy.thetas[i], exit.temperature, exit.error_after,
        exit.error_before);
  }
  print_codecs(fit.codecs(), out);
  const serve::ThresholdFit& thresholds = fit.pair().thresholds;
  const serve::ExitRates& rates = thresholds.predicted;
  out << fmt::format(
      "of each 100 tokens {:.0f} by exit 1, {:.0f} by exit 2, {:.0f} by the cloud; {:.1f} differ "
      "from the whole model's, at most {:.1f} with {:.0f} % confidence ({} positions)\n",
      100 * rates.exit1, 100 * rates.exit2, 100 * rates.cloud, 100 * rates.disagreement,
      100 * thresholds.bound, 100 * (1 - options.fit.thresholds.delta), fit.policy.records);
  if (const auto& trial = fit.trial) {
    out << fmt::format(
        "fitted on random halves of the records, {} of {} times the promise was kept on the other "
        "half; at worst {:.1f} of 100 tokens differed\n",
        trial->kept, trial->splits, 100 * trial->worst);
  }
  if (options.fit.check.empty() && thresholds.theta1 == 1 && thresholds.theta2 == 1) {
    out << "no thresholds keep that promise: give more text, or a lower --agree\n";
  }
  if (!options.out.empty()) out << "written to " << options.out << "\n";
}

Status execute(Options options, Context& context) {
  options.fit.calibration.measure = *serve::confidence_measure(options.measure);
  VERGE_TRY(const ExitFit fit, cli::fit_exits(options.fit));
  if (!options.out.empty()) VERGE_RETURN_IF_ERROR(write_policy(fit.policy, options.out));
  if (context.json) {
    print_json_line(to_json(fit), context.out);
  } else {
    print_text(options, fit, context.out);
  }
  return {};
}

void declare_plan(Parser& parser, ExitFitOptions& fit) {
  parser
      .add_option("--link", fit.link.link,
                  "Choose the exits that answer soonest over this link: \"23mbit,20ms\" (rate, "
                  "one-way delay), or a trace FILE or FILE:NAME")
      .group("Planning");
  parser
      .add_option("--device-speed", fit.device_speed,
                  "Speed of the device beside this machine's, which is the server: 0.25 is four "
                  "times slower")
      .group("Planning");
  parser
      .add_option("--device", fit.device,
                  "A policy that was fitted on the device with --link: it has its times")
      .group("Planning");
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  ExitFitOptions& fit = options->fit;
  fit.model.declare(parser);
  std::vector<std::string> measures;
  for (const auto measure : {serve::ConfidenceMeasure::MaxProbability,
                             serve::ConfidenceMeasure::Margin, serve::ConfidenceMeasure::Entropy}) {
    measures.emplace_back(serve::name(measure));
  }
  options->measure = measures.front();
  parser.add_option("--calib", fit.text, "Text to fit on, which the model did not learn")
      .required();
  parser.add_option("-o,--out", options->out, "Write the policy here, for `verge run --policy`");
  parser
      .add_option("--exits", fit.exits,
                  "E1,E2: layers before the two exits; by default the first two there are, with "
                  "--link the best")
      .separated_by(',');
  parser.add_option("--agree", fit.thresholds.agreement,
                    "Share of tokens that must be the whole model's, after the same text");
  parser.add_option("--delta", fit.thresholds.delta, "Chance that the promise is not kept");
  parser
      .add_option("--splits", fit.splits,
                  "Also fit on random halves of the records so many times, and hold each fit "
                  "against the other half")
      .not_negative();
  parser.add_option("--measure", options->measure, "What confidence is").one_of(measures);
  parser.add_option("--records", fit.calibration.most_records, "Most positions to look at")
      .positive();
  const auto names = net::codec_names();
  parser.add_option("--codec", fit.codec, "How states travel; by default it is chosen")
      .one_of({names.begin(), names.end()});
  parser.add_option("--codec-kl", fit.calibration.choice.most_kl,
                    "Most that a codec may move the cloud's predictions, in nats");
  parser.add_option("--check", fit.check,
                    "A policy: say what it does on this text, in place of fitting one");
  declare_plan(parser, fit);
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command fit_exits() {
  return {"fit exits", "Models", "Find how sure early exits must be to agree with the whole model",
          "  verge fit exits model.gguf --calib article.txt --agree 0.9 -o policy.json\n"
          "  verge fit exits model.gguf --calib article.txt --link 23mbit,20ms --device-speed 0.25",
          declare};
}

}  // namespace verge::cli::commands
