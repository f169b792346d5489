#include <iostream>
#include <optional>

#include <verge/cli/applied_delta.hpp>
#include <verge/cli/collab_run.hpp>
#include <verge/cli/command.hpp>
#include <verge/cli/config_file.hpp>
#include <verge/cli/interrupt.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/network_options.hpp>
#include <verge/cli/network_run.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/parser.hpp>
#include <verge/cli/picture_run.hpp>
#include <verge/cli/reference_warning.hpp>
#include <verge/cli/run_report.hpp>
#include <verge/cli/speculation.hpp>
#include <verge/core/clock.hpp>
#include <verge/engine/runtime/reference_nodes.hpp>
#include <verge/engine/text/grammar/grammar_constraint.hpp>
#include <verge/stages/serve/generate/generate.hpp>
#include <verge/stages/serve/generate/prompt_cache.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  ModelOptions model;
  GrammarOptions grammar;
  serve::AnswerOptions generate;
  SpeculationOptions speculation;
  CollabRunOptions collab;
  NetworkRunOptions network;
  PictureRunOptions pictures;
  std::string prompt, prompt_cache;
  std::string delta;
  std::optional<Option> prompt_option;
  bool no_special = false;
  bool parse_special = false;
  bool echo = false;

  bool reads_network() const { return is_network(model.model) || !pictures.files.empty(); }
};

std::string read_prompt(const std::string& prompt) {
  if (prompt != "-") return prompt;
  return {std::istreambuf_iterator<char>(std::cin), {}};
}

std::unique_ptr<text::TokenConstraint> constraint_of(std::shared_ptr<const text::Grammar> grammar,
                                                     const text::Tokenizer& tokenizer) {
  if (grammar == nullptr) return nullptr;
  return text::constraint(std::move(grammar), text::TokenTrie::build(tokenizer));
}

// A session with what of the prompt --prompt-cache has.
Result<serve::CachedPrompt> begin_session(const Options& options, model::LanguageModel& model,
                                          std::span<const int32_t> prompt, Context& context) {
  runtime::Session session = options.model.session(model);
  if (options.prompt_cache.empty()) return serve::CachedPrompt{std::move(session)};
  auto cached =
      serve::restore_prompt(model.decoder(), session.adapter(), options.prompt_cache, prompt);
  if (cached && !cached->complaint.empty()) context.err << cached->complaint << "\n";
  return cached;
}

Status keep_prompt(const Options& options, serve::CachedPrompt& cached, size_t length) {
  if (options.prompt_cache.empty() || cached.whole) return {};
  return serve::save_prompt(cached.session, static_cast<int64_t>(length), options.prompt_cache);
}

// How many tokens a device drafts while its cloud is asked.
Result<int64_t> drafts_with_cloud(const SpeculationOptions& speculation) {
  if (!speculation.is_on()) return 0;
  if (speculation.by == "exits" && !speculation.shapes_drafts()) return speculation.draft_tokens;
  return make_error(Code::InvalidArgument,
                    "with a cloud the second exit drafts, one token after another; give "
                    "--speculate exits and --draft-tokens alone");
}

// Said for this run: what the configuration file says is for all models.
Status refuse_language_options(const Options& options, const Context& context) {
  constexpr std::string_view kKeys[] = {"prompt", "mem", "lora", "plan"};
  for (const std::string_view key : kKeys) {
    if (!ConfigFile::is_on_command_line(*context.root, key)) continue;
    return make_error(Code::InvalidArgument,
                      "{}: --{} is for language models; a network takes pictures, or --input "
                      "and --output-dir",
                      options.model.model, key);
  }
  return {};
}

// What can be told before a model is read, or written from a delta.
Status check(const Options& options, const Context& context) {
  if (options.reads_network()) {
    VERGE_RETURN_IF_ERROR(refuse_language_options(options, context));
    return options.pictures.files.empty() ? options.network.check(options.model.model) : Status();
  }
  VERGE_RETURN_IF_ERROR(
      options.network.backend.refuse_language_model(options.model.model, context));
  if (options.network.is_given() || !options.prompt_option->is_given()) {
    return make_error(Code::InvalidArgument,
                      "{}: a language model needs --prompt; --input is for ONNX networks",
                      options.model.model);
  }
  return {};
}

// `begin_s`: of the command.
Status run_model(const Options& options, const Clock& clock, double begin_s, Context& context) {
  if (!options.pictures.files.empty()) {
    return run_pictures(options.pictures, options.network, options.model, context);
  }
  if (is_network(options.model.model)) {
    return run_network(options.network, options.model, context);
  }
  if (options.collab.device.is_wanted()) {
    VERGE_TRY(const int64_t drafts, drafts_with_cloud(options.speculation));
    return run_collab(options.collab, options.model,
                      {.text = read_prompt(options.prompt),
                       .max_tokens = options.generate.max_tokens,
                       .ignore_end = options.generate.ignore_end,
                       .echo = options.echo,
                       .sampling = options.generate.sampling,
                       .draft_tokens = drafts},
                      context);
  }
  std::atomic<bool>& interrupted = catch_interrupts();
  VERGE_TRY(const auto grammar, options.grammar.read());
  VERGE_TRY(const auto pool, options.model.threads.make_pool());
  VERGE_TRY(const auto model, options.model.load(*pool, options.speculation.max_outputs(),
                                                 options.speculation.paths()));
  const auto slow = warn_of_reference(runtime::reference_nodes(model->decoder()), context);
  VERGE_TRY(const Speculation speculation,
            options.speculation.make(*model, options.model, *pool, clock));
  const double load_s = clock.seconds() - begin_s;
  const std::vector<int32_t> prompt = model->tokenizer().encode(
      read_prompt(options.prompt),
      {.add_special = !options.no_special, .parse_special = options.parse_special});
  VERGE_TRY(serve::CachedPrompt begun, begin_session(options, *model, prompt, context));
  const auto fresh = std::span(prompt).subspan(static_cast<size_t>(begun.session.length()));
  if (options.echo && !context.json) context.out << model->tokenizer().decode(prompt) << std::flush;
  const auto show = [&](std::string_view text) {
    if (context.json) return;
    context.out << text << std::flush;
    if (!context.out) interrupted = true;  // nobody reads any more
  };
  VERGE_TRY(
      const serve::Generation answer,
      serve::generate(*model, begun.session, fresh, options.generate, clock, show, &interrupted,
                      speculation.advance(), constraint_of(grammar, model->tokenizer())));
  const RunReport report{
      answer, prompt, speculation, *model, load_s, load_s + answer.time_to_first_token_s, slow};
  if (context.json) {
    print_run_json(report, context.out);
  } else {
    context.out << std::endl;
    if (!context.quiet && context.out) print_speed(report, context.err);
  }
  return keep_prompt(options, begun, prompt.size());
}

Status execute(const Options& options, Context& context) {
  VERGE_RETURN_IF_ERROR(check(options, context));
  const SystemClock clock;
  const double begin_s = clock.seconds();
  if (options.delta.empty()) return run_model(options, clock, begin_s, context);
  VERGE_TRY(const std::string base, options.reads_network()
                                        ? Result<std::string>(options.model.model)
                                        : model_path(options.model.model));
  VERGE_TRY(const AppliedDelta applied, AppliedDelta::make(base, options.delta, context));
  Options of_tuned = options;
  of_tuned.model.model = applied.path();
  const Status done = run_model(of_tuned, clock, begin_s, context);
  if (done) return done;
  return applied.in_terms_of_base(done.error());
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  options->model.declare(parser);
  parser.add_option(
      "--delta", options->delta,
      std::string("What a fine-tuning changed of the model, by `verge fit tune --delta` or `verge "
                  "model diff`; ") +
          kDeltaCost);
  options->model.declare_memory(parser);
  options->model.declare_plan(parser);
  options->model.declare_lora(parser);
  options->prompt_option = parser.add_option("-p,--prompt", options->prompt,
                                             "The text to continue; - reads standard input");
  parser.add_option("-n,--tokens", options->generate.max_tokens,
                    "Most tokens to answer; -1 for no limit");
  parser.add_option("--stop", options->generate.stop,
                    "End the answer before this text; may be repeated");
  parser.add_option("--logprobs", options->generate.top_logprobs,
                    "With --json: log-probabilities of each token and of the k likeliest");
  parser.add_flag("--ignore-end", options->generate.ignore_end, "Go on past the end-of-text token");
  parser.add_flag("--no-special", options->no_special, "Do not add the begin-of-text token");
  parser.add_flag("--parse-special", options->parse_special,
                  "Read control tokens in the prompt, as templates need");
  parser.add_option(
      "--prompt-cache", options->prompt_cache,
      "Keep the prompt's state in this file; a prompt that begins alike starts there");
  parser.add_flag("--echo", options->echo, "Print the prompt before the answer");
  options->grammar.declare(parser);
  declare_sampling(parser, options->generate.sampling);
  options->speculation.declare(parser);
  options->collab.declare(parser);
  options->network.declare(parser);
  options->pictures.declare(parser);
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command run() {
  return {"run", "Everyday",
          "Continue a prompt with a language model, or run a network on pictures or arrays",
          "  verge run model.gguf -p 'Once upon a time' -n 100\n"
          "  verge run model.gguf -p - --temp 0 --json < prompt.txt\n"
          "  verge run edge.gguf --cloud home.example:7443 -p 'Once upon a time' --explain\n"
          "  verge run model.gguf --lora style.gguf:0.8 -p 'Once upon a time'\n"
          "  verge run model.gguf --delta law.vdelta -p 'The court'\n"
          "  verge run model.gguf -p 'A user as JSON: ' --json-schema user.schema.json\n"
          "  verge run classifier.onnx cat.jpg photos/ --labels labels.txt\n"
          "  verge run yolo.onnx street.jpg --confidence 0.4 --output-dir drawn\n"
          "  verge run det.onnx page.jpg --recognizer rec.onnx --characters keys.txt\n"
          "  verge run net.onnx --input x=image.npy --output-dir out",
          declare};
}

}  // namespace verge::cli::commands
