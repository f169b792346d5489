#pragma once
// AnswerRenderer: the answers to one request as the client's protocol writes them, streamed or
// whole. One for each protocol; they know no sockets and no scheduler.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <verge/engine/text/tokenizer.hpp>
#include <verge/stages/serve/api/api_error.hpp>
#include <verge/stages/serve/api/tool_calls.hpp>
#include <verge/stages/serve/scheduler/request.hpp>

namespace verge::serve::api {

/// What every part of an answer repeats.
struct AnswerMeta {
  std::string id;  // of the request, without a protocol's prefix
  std::string model;
  int64_t created_unix_s = 0;
  std::shared_ptr<const text::Tokenizer> tokenizer = {};  // for the text of logprobs
  bool stream_usage = false;
  std::vector<std::string> echoed = {};    // stand before the answers of a completion; one a prompt
  std::vector<int32_t> first_tokens = {};  // of the prompts whose log-probabilities are shown
  size_t choices_per_prompt = 1;
  bool legacy_calls = false;    // as OpenAI's older function_call, one an answer
  bool short_call_ids = false;  // nine letters and digits, which templates of Mistral insist on
};

/// What one step adds to one choice.
struct Delta {
  std::string text = {};
  std::string reasoning = {};
  std::vector<ToolCall> calls = {};
  std::vector<TokenLogprobs> logprobs = {};
  std::vector<TokenOrigin> origins = {};  // of a split model's tokens, which made this text
  bool empty() const {
    return text.empty() && reasoning.empty() && calls.empty() && logprobs.empty() &&
           origins.empty();
  }
};

/// What made an answer as long as it could become.
enum class LengthLimit { MaxTokens, Context, Quota };

/// One choice, complete.
struct Choice {
  std::string text = {};
  std::string reasoning = {};
  std::vector<ToolCall> calls = {};
  std::vector<TokenLogprobs> logprobs = {};
  std::vector<TokenOrigin> origins = {};
  std::vector<TokenLogprobs> prompt_logprobs = {};  // of all tokens but the first
  bool with_logprobs = false;
  StopReason reason = StopReason::EndOfText;
  LengthLimit length_limit = LengthLimit::MaxTokens;  // of StopReason::MaxTokens
  Usage usage = {};
  Timings timings = {};
};

/// All choices of a request, those of the first prompt first.
struct Answers {
  std::vector<Choice> choices;
  size_t choices_per_prompt = 1;
};

class AnswerRenderer {
 public:
  virtual ~AnswerRenderer() = default;

  virtual std::string_view stream_type() const = 0;  // Content-Type of a streamed answer
  /// Streamed: before the first piece of a choice, each piece, after its last, after all choices.
  virtual std::string opening(size_t choice) = 0;
  virtual std::string piece(size_t choice, const Delta& delta) = 0;
  virtual std::string ending(size_t choice, const Choice& whole) = 0;
  virtual std::string closing(const Answers& answers) = 0;
  /// Streamed: what ended it too early.
  virtual std::string failure(const ApiError& error) = 0;
  /// Not streamed: the body.
  virtual std::string whole(const Answers& answers) = 0;
};

std::unique_ptr<AnswerRenderer> openai_chat_renderer(AnswerMeta meta);
std::unique_ptr<AnswerRenderer> openai_completion_renderer(AnswerMeta meta);
std::unique_ptr<AnswerRenderer> llama_completion_renderer(AnswerMeta meta);
std::unique_ptr<AnswerRenderer> ollama_chat_renderer(AnswerMeta meta);
std::unique_ptr<AnswerRenderer> ollama_generate_renderer(AnswerMeta meta);

}  // namespace verge::serve::api
