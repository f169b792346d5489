#include <ostream>

#include <verge/cli/interrupt.hpp>
#include <verge/cli/line_reader.hpp>
#include <verge/cli/talk.hpp>
#include <verge/core/machine.hpp>

namespace verge::cli {
namespace {

constexpr std::string_view kHelp =
    "/clear        forget the conversation\n"
    "/system TEXT  set the system message; without a text, remove it\n"
    "/save FILE    write the conversation, and its state beside it as FILE.kv\n"
    "/load FILE    continue a conversation, from its state if it is there\n"
    "/stats        context, speed and memory; with a cloud, where tokens were made\n"
    "/quit         leave, as Ctrl-D does\n"
    "A line ending in \\ continues; \"\"\" begins and ends a block. Ctrl-C stops an answer.\n";

class Talk {
 public:
  Talk(Talker& talker, serve::Conversation conversation, const TalkOptions& options,
       Context& context)
      : talker_(talker),
        conversation_(std::move(conversation)),
        options_(options),
        context_(context),
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
      talker_.print_stats(conversation_);
      context_.out << fmt::format("memory: {:.0f} MiB at most\n",
                                  static_cast<double>(peak_rss_bytes()) / (1 << 20));
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
    return talker_.save_state(path);
  }

  Status load(const std::string& path) {
    VERGE_RETURN_IF_ERROR(conversation_.load(path));
    talker_.load_state(path);
    return {};
  }

  // A failed answer takes its question back, so that the next one stands on firm ground.
  void answer(const std::string& question) {
    conversation_.add("user", question);
    interrupted_ = false;
    const Result<Said> said = talker_.answer(conversation_, interrupted_);
    context_.out << std::endl;
    if (!said) {
      conversation_.drop_last();
      if (said.error().code == Code::Cancelled) return;
      context_.err << said.error().message << "; or /clear to start again\n";
      return;
    }
    conversation_.add("assistant", said->text);
    talker_.after_answer();
    if (said->reason == serve::StopReason::ContextFull) {
      context_.err << "the context is full; /clear to start again, or give a larger --context\n";
    }
  }

  Talker& talker_;
  serve::Conversation conversation_;
  const TalkOptions& options_;
  Context& context_;
  std::atomic<bool>& interrupted_;
};

}  // namespace

Status talk(Talker& talker, const model::LanguageModel& model, const TalkOptions& options,
            Context& context) {
  VERGE_TRY(serve::Conversation conversation, serve::Conversation::start(model));
  if (!conversation.has_own_template()) {
    context.err << "the model's file has no chat template; using ChatML, which it may not have "
                   "learnt: `verge run` continues plain text\n";
  }
  if (!context.quiet) context.err << "/help lists the commands\n";
  return Talk(talker, std::move(conversation), options, context).run();
}

}  // namespace verge::cli
