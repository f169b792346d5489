#include <nlohmann/json.hpp>

#include <verge/cli/collab_modes.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/model_store.hpp>

namespace verge::cli {
namespace {

using serve::CollabMode;
using serve::CollabToken;
using serve::TokenPlace;

void print_tokens(const text::Tokenizer& tokenizer, const std::vector<CollabToken>& tokens,
                  std::ostream& out) {
  out << fmt::format("{:<14} {:<8} {:<10} {:>7} {:>7} {:>7}\n", "token", "place", "why", "exit 1",
                     "exit 2", "needed");
  for (const CollabToken& token : tokens) {
    const std::string shown = Json(tokenizer.decode(std::span(&token.id, 1)))
                                  .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    out << fmt::format("{:<14} {:<8} {:<10} {:>7.3f} {:>7} {:>7.2f}\n", shown,
                       serve::name(token.place), serve::name(token.reason), token.confidence1,
                       token.confidence2 > 0 ? fmt::format("{:.3f}", token.confidence2) : "",
                       token.theta2);
  }
}

Json to_json(const CollabOutcome& outcome) {
  const serve::CollabMetrics& metrics = outcome.metrics;
  Json tokens = Json::array(), places = Json::object();
  for (size_t i = 0; i < outcome.tokens.size(); ++i) {
    const CollabToken& token = outcome.tokens[i];
    tokens.push_back({{"token", token.id},
                      {"at_s", outcome.token_s[i]},
                      {"place", serve::name(token.place)},
                      {"reason", serve::name(token.reason)},
                      {"confidence1", token.confidence1},
                      {"confidence2", token.confidence2}});
  }
  for (const TokenPlace place : serve::kTokenPlaces) {
    places[std::string(serve::name(place))] = metrics.count(place);
  }
  Json json = {{"mode", serve::name(outcome.mode)},
               {"text", outcome.text},
               {"tokens", tokens},
               {"places", places},
               {"seconds", outcome.seconds},
               {"cloud_rate", metrics.cloud_rate()},
               {"bytes_up", metrics.bytes_up},
               {"bytes_down", metrics.bytes_down},
               {"edge_s", metrics.edge_s},
               {"exposed_s", metrics.exposed_s()},
               {"hidden_s", metrics.hidden_s()},
               {"server_s", metrics.server_s},
               {"recovered_tokens", outcome.recovered},
               {"late_states", metrics.late_states},
               {"waits", metrics.waits},
               {"draft_tokens", metrics.drafted},
               {"undone_tokens", metrics.undone},
               {"edge_layer_tokens", metrics.edge_layer_tokens}};
  if (outcome.energy_j) json["energy_j"] = *outcome.energy_j;
  return json;
}

void print_energy(const CollabOutcome& outcome, std::ostream& err) {
  if (!outcome.energy_j) return;
  err << fmt::format("{:.2f} J of this machine's processors, all that they did\n",
                     *outcome.energy_j);
}

void print_summary(const CollabOutcome& outcome, std::ostream& err) {
  const serve::CollabMetrics& metrics = outcome.metrics;
  err << fmt::format(
      "\n{} tokens in {:.2f} s: {} by exit 1, {} by exit 2, {} by the cloud, {} degraded\n"
      "{:.1f} kB up, {:.1f} kB down; device {:.0f} ms, waited {:.0f} ms for link and cloud\n",
      outcome.tokens.size(), outcome.seconds, metrics.count(TokenPlace::Exit1),
      metrics.count(TokenPlace::Exit2), metrics.count(TokenPlace::Cloud),
      metrics.count(TokenPlace::Degraded), static_cast<double>(metrics.bytes_up) * 1e-3,
      static_cast<double>(metrics.bytes_down) * 1e-3, metrics.edge_s * 1e3,
      metrics.exposed_s() * 1e3);
  print_energy(outcome, err);
  if (metrics.drafted == 0) return;
  err << fmt::format(
      "{} tokens drafted while the cloud was asked, {} of them undone; waited {} times\n",
      metrics.drafted, metrics.undone, metrics.waits);
}

void print_comparison(const std::vector<CollabOutcome>& outcomes, std::ostream& out) {
  out << fmt::format("{:<11} {:>8} {:>7} {:>7} {:>6} {:>9} {:>8} {:>8} {:>8} {:>6}\n", "mode",
                     "seconds", "exit 1", "exit 2", "cloud", "degraded", "kB up", "kB down",
                     "agrees", "ROUGE");
  const std::vector<int32_t> reference = outcomes.front().ids();
  for (const CollabOutcome& outcome : outcomes) {
    const serve::CollabMetrics& metrics = outcome.metrics;
    out << fmt::format(
        "{:<11} {:>8.3f} {:>7} {:>7} {:>6} {:>9} {:>8.1f} {:>8.1f} {:>7.0f}% {:>6.2f}\n",
        serve::name(outcome.mode), outcome.seconds, metrics.count(TokenPlace::Exit1),
        metrics.count(TokenPlace::Exit2), metrics.count(TokenPlace::Cloud),
        metrics.count(TokenPlace::Degraded), static_cast<double>(metrics.bytes_up) * 1e-3,
        static_cast<double>(metrics.bytes_down) * 1e-3,
        100 * serve::agreement(outcome.ids(), reference), serve::rouge_l(outcome.ids(), reference));
  }
}

// All modes in turn; the cloud's answer is what the others are held to.
Status compare(const CollabModes& modes, Context& context) {
  std::vector<CollabOutcome> outcomes;
  for (const CollabMode mode : {CollabMode::Cloud, CollabMode::Naive, CollabMode::Collab,
                                CollabMode::Auto, CollabMode::Standalone}) {
    VERGE_TRY(outcomes.emplace_back(), modes.run(mode, [](auto, const auto&) { return true; }));
  }
  if (context.json) {
    Json list = Json::array();
    for (const CollabOutcome& outcome : outcomes) list.push_back(to_json(outcome));
    print_json_line({{"modes", list}}, context.out);
  } else {
    print_comparison(outcomes, context.out);
  }
  return {};
}

Status answer(const CollabModes& modes, CollabMode mode, bool explains,
              const text::Tokenizer& tokenizer, Context& context) {
  const bool is_coloured = context.terminal_columns > 0;
  const auto show = [&](TokenPlace place, const std::string& text) {
    if (context.json) return true;
    context.out << (is_coloured ? colour_of(place) : "") << text << (is_coloured ? "\x1b[0m" : "")
                << std::flush;
    return context.out.good();
  };
  VERGE_TRY(const CollabOutcome outcome, modes.run(mode, show));
  if (context.json) {
    print_json_line(to_json(outcome), context.out);
    return {};
  }
  context.out << std::endl;
  if (explains) print_tokens(tokenizer, outcome.tokens, context.out);
  if (!context.quiet) print_summary(outcome, context.err);
  return {};
}

}  // namespace

void CollabRunOptions::declare(Parser& parser) {
  device.declare(parser);
  parser
      .add_option("--session", device.session,
                  "A name for the answer: with --audit, one that was broken off goes on")
      .group("With a cloud");
  parser
      .add_flag("--audit", device.audit,
                "Have the cloud keep the tokens of prompt and answer, which otherwise never leave")
      .group("With a cloud");
  parser.add_flag("--explain", explain, "Say of each token where it was made, and why")
      .group("With a cloud");
  parser.add_flag("--compare", compare, "Answer in all modes, and print what each took")
      .group("With a cloud");
}

Status run_collab(const CollabRunOptions& options, const ModelOptions& model_options,
                  const CollabPrompt& prompt, Context& context) {
  if (options.compare && options.device.cloud.empty()) {
    return make_error(Code::InvalidArgument, "--compare needs --cloud HOST:PORT");
  }
  if (!options.device.session.empty() && (options.compare || !options.device.audit)) {
    return make_error(
        Code::InvalidArgument,
        "--session goes on with one answer that --audit has the cloud keep; give both, "
        "and not --compare");
  }
  VERGE_TRY(const CollabMode mode, options.device.mode_or_default());
  const bool may_keep = mode == CollabMode::Collab || mode == CollabMode::Auto;
  if (options.device.audit && !options.compare && !may_keep) {
    return make_error(Code::InvalidArgument,
                      "--audit has the cloud keep a text that this device makes with it, which "
                      "--mode {} does not; leave out --audit and --session, or give --mode collab",
                      serve::name(mode));
  }
  const SystemClock clock;
  VERGE_TRY(const auto pool, model_options.threads.make_pool());
  VERGE_TRY(const CollabModel device, load_device(options.device, model_options, *pool));
  VERGE_TRY(const CollabModes modes,
            CollabModes::create(options.device, prompt, device, clock, context.err));
  if (options.compare) return compare(modes, context);
  if (prompt.echo && !context.json) context.out << prompt.text << std::flush;
  return answer(modes, mode, options.explain, device.model->tokenizer(), context);
}

}  // namespace verge::cli
