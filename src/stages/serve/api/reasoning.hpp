#pragma once
// ReasoningReader: tells what a model thinks from what it answers, while it writes.
//
//   <think> ... </think> the answer          DeepSeek-R1, Qwen3 and many others
//   [THINK] ... [/THINK] the answer          Magistral

#include <optional>
#include <string>
#include <string_view>

namespace verge::serve::api {

struct ReasoningTags {
  std::string_view open;
  std::string_view close;
};

/// By the model's chat template; nothing where it knows no reasoning.
std::optional<ReasoningTags> reasoning_tags_of(std::string_view chat_template);

/// One answer.
class ReasoningReader {
 public:
  /// `begun`: the prompt has opened the block already.
  ReasoningReader(ReasoningTags tags, bool begun)
      : tags_(tags), state_(begun ? State::Inside : State::Start) {}

  struct Found {
    std::string reasoning;
    std::string text;
  };
  /// White space around the block is nobody's. Text is held back while it may be a tag.
  Found push(std::string_view piece);
  /// The rest, when the answer ends.
  Found finish();

 private:
  enum class State { Start, Inside, Behind, Text };
  bool scan(Found& found);
  bool scan_start();
  bool scan_inside(Found& found);

  ReasoningTags tags_;
  State state_;
  bool has_reasoned_ = false;
  std::string held_;
};

}  // namespace verge::serve::api
