#include <filesystem>

#include <verge/cli/collab_chat.hpp>
#include <verge/cli/command.hpp>
#include <verge/cli/memory_report.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/parser.hpp>
#include <verge/cli/reference_warning.hpp>
#include <verge/cli/speculation.hpp>
#include <verge/cli/talk.hpp>
#include <verge/core/clock.hpp>
#include <verge/engine/runtime/reference_nodes.hpp>
#include <verge/stages/serve/generate/generate.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  ModelOptions model;
  serve::AnswerOptions generate;
  SpeculationOptions speculation;
  CollabOptions cloud;
  TalkOptions chat;
};

// The model is here, whole.
class LocalTalker : public Talker {
 public:
  LocalTalker(const Options& options, Context& context, model::LanguageModel& model,
              const Speculation& speculation)
      : options_(options),
        context_(context),
        model_(model),
        speculation_(speculation),
        session_(options.model.session(model)) {}

  Result<Said> answer(const serve::Conversation& conversation,
                      std::atomic<bool>& interrupted) override {
    VERGE_TRY(const std::vector<int32_t> prompt, conversation.prompt());
    const auto fresh = serve::unseen(session_, prompt);
    const auto show = [&](std::string_view text) {
      context_.out << text << std::flush;
      if (!context_.out) interrupted = true;  // nobody reads any more
    };
    VERGE_TRY(last_, serve::generate(model_, session_, fresh, options_.generate, clock_, show,
                                     &interrupted, speculation_.advance()));
    return Said{last_.text, last_.reason};
  }

  void print_stats(const serve::Conversation& conversation) override {
    context_.out << fmt::format("context: {} of {} tokens, {} messages\n", session_.length(),
                                model_.decoder().context, conversation.messages().size());
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
  }

  Status save_state(const std::string& path) override { return session_.save(path + ".kv"); }

  // Without its state, or with one that this model cannot use, the conversation is computed again.
  void load_state(const std::string& path) override {
    const std::string state = path + ".kv";
    const int32_t adapter = session_.adapter();
    session_ = options_.model.session(model_);
    std::error_code error;
    if (!std::filesystem::exists(state, error)) return;
    auto restored = runtime::Session::restore(model_.decoder(), state, adapter);
    if (restored) {
      session_ = std::move(*restored);
    } else {
      context_.err << restored.error().message << "; the conversation is computed again\n";
    }
  }

 private:
  const Options& options_;
  Context& context_;
  model::LanguageModel& model_;
  const Speculation& speculation_;
  runtime::Session session_;
  const SystemClock clock_;
  serve::Generation last_;
};

Status execute(const Options& options, Context& context) {
  if (options.cloud.is_wanted()) {
    return chat_with_cloud(options.cloud, options.model, options.generate, options.chat, context);
  }
  VERGE_TRY(const auto pool, options.model.threads.make_pool());
  VERGE_TRY(const auto model, options.model.load(*pool, options.speculation.max_outputs(),
                                                 options.speculation.paths()));
  warn_of_reference(runtime::reference_nodes(model->decoder()), context);
  const SystemClock clock;
  VERGE_TRY(const Speculation speculation,
            options.speculation.make(*model, options.model, *pool, clock));
  LocalTalker talker(options, context, *model, speculation);
  return talk(talker, *model, options.chat, context);
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  options->generate.continues_text = false;
  options->generate.sampling.temperature = 0.7f;
  options->model.declare(parser);
  options->model.declare_memory(parser);
  options->model.declare_plan(parser);
  options->model.declare_lora(parser);
  parser.add_option("--system", options->chat.system, "System message, before all others");
  parser.add_option("-n,--tokens", options->generate.max_tokens,
                    "Most tokens of an answer; -1 for no limit");
  parser.add_flag("--plain", options->chat.plain, "Read plain lines, without editing and history");
  declare_sampling(parser, options->generate.sampling);
  options->speculation.declare(parser);
  options->cloud.declare(parser);
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command chat() {
  return {"chat", "Everyday", "Talk with a language model",
          "  verge chat model.gguf --system 'Answer in one sentence.'\n"
          "  verge chat edge.gguf --cloud home.example:7443 --mode auto\n"
          "  echo 'What is a graph?' | verge chat model.gguf --quiet",
          declare};
}

}  // namespace verge::cli::commands
