#include <filesystem>

#include <verge/cli/command.hpp>
#include <verge/cli/interrupt.hpp>
#include <verge/cli/line_reader.hpp>
#include <verge/cli/memory_report.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/parser.hpp>
#include <verge/cli/reference_warning.hpp>
#include <verge/cli/speculation.hpp>
#include <verge/core/clock.hpp>
#include <verge/core/machine.hpp>
#include <verge/engine/runtime/reference_nodes.hpp>
#include <verge/stages/serve/chat/conversation.hpp>
#include <verge/stages/serve/generate/generate.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  ModelOptions model;
  serve::AnswerOptions generate;
  SpeculationOptions speculation;
  std::string system;
  bool plain = false;
};

constexpr std::string_view kHelp =
    "/clear        forget the conversation\n"
    "/system TEXT  set the system message; without a text, remove it\n"
    "/save FILE    write the conversation, and its state beside it as FILE.kv\n"
    "/load FILE    continue a conversation, from its state if it is there\n"
    "/stats        context, speed and memory\n"
    "/quit         leave, as Ctrl-D does\n"
    "A line ending in \\ continues; \"\"\" begins and ends a block. Ctrl-C stops an answer.\n";

class Chat {
 public:
  Chat(const Options& options, Context& context, model::LanguageModel& model,
       serve::Conversation conversation, const Speculation& speculation)
      : options_(options),
        context_(context),
        model_(model),
        conversation_(std::move(conversation)),
        speculation_(speculation),
        session_(options.model.session(model)),
        interrupted_(catch_interrupts()) {
    conversation_.set_system(options.system);
  }

  Status run() {
    LineReader reader(!options_.plain, history_path());
    while (const auto entry = reader.read("> ")) {
      if (entry->empty()) continue;
      if (entry->front() == '/') {
        if (!command(*entry)) break;
      } else {
        answer(*entry);
      }
      if (!context_.out) return {};
    }
    if (reader.edits()) context_.out << "\n";
    return {};
  }

 private:
  // Runs a line that begins with /; false to leave.
  bool command(const std::string& line) {
    const size_t space = std::min(line.find_first_of(" \n"), line.size());
    const std::string verb = line.substr(0, space);
    const size_t start = line.find_first_not_of(" \n", space);
    const std::string rest = start == std::string::npos ? "" : line.substr(start);
    if (verb == "/quit" || verb == "/exit") return false;
    if (verb == "/help") {
      context_.out << kHelp;
    } else if (verb == "/clear") {
      conversation_.clear();
    } else if (verb == "/system") {
      conversation_.set_system(rest);
    } else if (verb == "/stats") {
      print_stats();
    } else if (verb == "/save" || verb == "/load") {
      file_command(verb, rest);
    } else {
      context_.err << fmt::format("no command {}; /help lists them\n", verb);
    }
    return true;
  }

  void file_command(const std::string& verb, const std::string& path) {
    if (path.empty()) {
      context_.err << fmt::format("{} needs a file: {} FILE\n", verb, verb);
      return;
    }
    const Status status = verb == "/save" ? save(path) : load(path);
    if (!status) {
      context_.err << status.error().message << "\n";
    } else if (!context_.quiet) {
      context_.err << fmt::format("{} messages\n", conversation_.messages().size());
    }
  }

  Status save(const std::string& path) {
    VERGE_RETURN_IF_ERROR(conversation_.save(path));
    return session_.save(path + ".kv");
  }

  // Without its state, or with one that this model cannot use, the conversation is computed again.
  Status load(const std::string& path) {
    VERGE_RETURN_IF_ERROR(conversation_.load(path));
    const std::string state = path + ".kv";
    const int32_t adapter = session_.adapter();
    session_ = options_.model.session(model_);
    std::error_code error;
    if (!std::filesystem::exists(state, error)) return {};
    auto restored = runtime::Session::restore(model_.decoder(), state, adapter);
    if (restored) {
      session_ = std::move(*restored);
    } else {
      context_.err << restored.error().message << "; the conversation is computed again\n";
    }
    return {};
  }

  // A failed answer takes its question back, so that the next one stands on firm ground.
  void answer(const std::string& question) {
    conversation_.add("user", question);
    interrupted_ = false;
    const Result<serve::Generation> answer = generate();
    context_.out << std::endl;
    if (!answer) {
      conversation_.drop_last();
      if (answer.error().code == Code::Cancelled) return;
      context_.err << answer.error().message << "; or /clear to start again\n";
      return;
    }
    conversation_.add("assistant", answer->text);
    last_ = *answer;
    if (answer->reason == serve::StopReason::ContextFull) {
      context_.err << "the context is full; /clear to start again, or give a larger --context\n";
    }
  }

  Result<serve::Generation> generate() {
    VERGE_TRY(const std::vector<int32_t> prompt, conversation_.prompt());
    const auto fresh = serve::unseen(session_, prompt);
    const auto show = [&](std::string_view text) {
      context_.out << text << std::flush;
      if (!context_.out) interrupted_ = true;  // nobody reads any more
    };
    return serve::generate(model_, session_, fresh, options_.generate, clock_, show, &interrupted_,
                           speculation_.advance());
  }

  void print_stats() {
    context_.out << fmt::format("context: {} of {} tokens, {} messages\n", session_.length(),
                                model_.decoder().context, conversation_.messages().size());
    context_.out << fmt::format(
        "last answer: {} new prompt tokens at {:.0f}/s, {} tokens at {:.1f}/s, first after {:.0f} "
        "ms\n",
        last_.prompt_tokens, last_.prefill_tokens_per_s(), last_.tokens.size(),
        last_.decode_tokens_per_s(), last_.time_to_first_token_s * 1e3);
    if (const std::string drafts = speculation_.summary(); !drafts.empty()) {
      context_.out << drafts << "\n";
    }
    if (const std::string line = stream_summary(model_); !line.empty()) {
      context_.out << line << "\n";
    }
    context_.out << fmt::format("memory: {:.0f} MiB at most\n",
                                static_cast<double>(peak_rss_bytes()) / (1 << 20));
  }

  const Options& options_;
  Context& context_;
  model::LanguageModel& model_;
  serve::Conversation conversation_;
  const Speculation& speculation_;
  runtime::Session session_;
  std::atomic<bool>& interrupted_;
  const SystemClock clock_;
  serve::Generation last_;
};

Status execute(const Options& options, Context& context) {
  VERGE_TRY(const auto pool, options.model.threads.make_pool());
  VERGE_TRY(const auto model, options.model.load(*pool, options.speculation.max_outputs(),
                                                 options.speculation.paths()));
  warn_of_reference(runtime::reference_nodes(model->decoder()), context);
  const SystemClock clock;
  VERGE_TRY(const Speculation speculation,
            options.speculation.make(*model, options.model, *pool, clock));
  VERGE_TRY(serve::Conversation conversation, serve::Conversation::start(*model));
  if (!conversation.has_own_template()) {
    context.err << "the model's file has no chat template; using ChatML, which it may not have "
                   "learnt: `verge run` continues plain text\n";
  }
  if (!context.quiet) context.err << "/help lists the commands\n";
  return Chat(options, context, *model, std::move(conversation), speculation).run();
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  options->generate.continues_text = false;
  options->generate.sampling.temperature = 0.7f;
  options->model.declare(parser);
  options->model.declare_memory(parser);
  options->model.declare_plan(parser);
  options->model.declare_lora(parser);
  parser.add_option("--system", options->system, "System message, before all others");
  parser.add_option("-n,--tokens", options->generate.max_tokens,
                    "Most tokens of an answer; -1 for no limit");
  parser.add_flag("--plain", options->plain, "Read plain lines, without editing and history");
  declare_sampling(parser, options->generate.sampling);
  options->speculation.declare(parser);
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command chat() {
  return {"chat", "Everyday", "Talk with a language model",
          "  verge chat model.gguf --system 'Answer in one sentence.'\n"
          "  echo 'What is a graph?' | verge chat model.gguf --quiet",
          declare};
}

}  // namespace verge::cli::commands
