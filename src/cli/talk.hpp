#pragma once
// The talk of `verge chat`: lines in, commands and answers out; who answers is a Talker.

#include <atomic>
#include <string>

#include <verge/cli/command.hpp>
#include <verge/stages/serve/chat/conversation.hpp>
#include <verge/stages/serve/generate/answer.hpp>

namespace verge::cli {

struct TalkOptions {
  std::string system;
  bool plain = false;  // read lines without editing and history
};

struct Said {
  std::string text;
  serve::StopReason reason = serve::StopReason::EndOfText;
};

class Talker {
 public:
  virtual ~Talker() = default;
  /// Answers the newest message, and prints that as it comes. A failure leaves the conversation as
  /// if the message had not been said.
  virtual Result<Said> answer(const serve::Conversation& conversation,
                              std::atomic<bool>& interrupted) = 0;
  /// After each answer, on a line of its own.
  virtual void after_answer() {}
  virtual void print_stats(const serve::Conversation& conversation) = 0;
  /// What is computed of the conversation in the file `path`, beside it.
  virtual Status save_state(const std::string& path) = 0;
  virtual void load_state(const std::string& path) = 0;
};

/// Until the input ends or the user leaves.
Status talk(Talker& talker, const model::LanguageModel& model, const TalkOptions& options,
            Context& context);

}  // namespace verge::cli
