#pragma once
// The protocol of a language model that is cut in two (CE-CoLLM, Jin and Wu 2025, arXiv
// 2411.02829): the device sends the hidden states of its first layers as it makes them, and asks
// the server to finish those tokens that its own exits are not sure of. Typed messages here, bytes
// in Channels.
//
//   channel.send(to_message(FinishMessage{.position = 17}), Channel::Lane::Urgent);
//   VERGE_TRY(std::optional<CollabMessage> answer, read_message(received, limits));
//
// Device: Hello, then States and Finish. Server: Accept, then for each Finish a Token, or a Nack
// (send these states again), Resume (send all from there), Busy or Failure. Every message may come
// twice or late: positions say what it is about.

#include <optional>
#include <variant>

#include <verge/core/channel.hpp>
#include <verge/engine/text/sampler.hpp>

namespace verge::serve {

inline constexpr uint32_t kCollabVersion = 2;

enum class CollabKind : uint32_t {
  Hello = 1,
  Accept = 2,
  States = 3,
  Finish = 4,
  Token = 5,
  Nack = 6,
  Resume = 7,
  Close = 8,
  Failure = 9,
  Busy = 10,
  Prompt = 11,
  Tokens = 12,
};

/// What both ends must have alike.
struct SplitIdentity {
  uint32_t version = kCollabVersion;
  std::string model_hash = {};
  std::string tokenizer_hash = {};
  int64_t exit1 = 0;  // layers before the first exit, whose states travel
  int64_t exit2 = 0;  // layers before the second one: all that the device has
  int64_t layers = 0;
  int64_t width = 0;  // of a hidden state
  bool operator==(const SplitIdentity&) const = default;
};

struct HelloMessage {
  SplitIdentity split = {};
  std::vector<std::string> codecs = {};  // the device's, the one it means to use first
  std::string session = {};              // the device's own name for it; the same after a lost link
  bool wants_tokens = false;             // that the server was told, after its Accept
  bool operator==(const HelloMessage&) const = default;
};

struct AcceptMessage {
  std::string session = {};
  double lease_s = 0;                    // the session lives so long after the last message
  int64_t budget_bytes = 0;              // of all sessions together
  int64_t held = 0;                      // positions from 0 on whose states need not be sent
  std::vector<std::string> codecs = {};  // those of the device that the server reads
  bool operator==(const AcceptMessage&) const = default;
};

/// Which branch of a text a message is of. A device that drafts goes on with tokens that the server
/// may not confirm; where it does not, the text goes on from there in a branch of a higher number.
/// Every message says where its branch begins, so that none need arrive: what was said of positions
/// from there on, in branches before, is over.
struct TextBranch {
  int64_t number = 0;
  int64_t from = 0;  // 0 in branch 0, which begins with the text
  bool operator==(const TextBranch&) const = default;
};

/// Hidden states [tokens, width] after the first exit's layers, of positions from `position` on.
struct StatesMessage {
  int64_t position = 0;
  PackedTensor states = {};
  /// Where the prompt ends that they are of; 0 for tokens that were decoded one by one. The server
  /// runs either as the device did, so that the bits are those of one machine.
  int64_t prompt_end = 0;
  TextBranch branch = {};
  int64_t tokens() const { return states.shape[0]; }
};

/// "Which token follows position `position`?" Several may be on their way.
struct FinishMessage {
  int64_t position = 0;
  double deadline_s = 0;               // after which nobody waits for the answer; 0: none
  text::SamplerOptions sampling = {};  // of it, only what a token's own logits need
  bool want_logprob = false;
  TextBranch branch = {};
};

struct TokenMessage {
  int64_t position = 0;  // of the Finish
  int32_t id = 0;
  std::optional<float> logprob = {};
  double server_s = 0;  // in the engine
  double queue_s = 0;   // waiting for it
  int64_t branch = 0;   // TextBranch::number of the Finish
  bool operator==(const TokenMessage&) const = default;
};

/// States of positions [from, to) are missing.
struct NackMessage {
  int64_t from = 0;
  int64_t to = 0;
  bool operator==(const NackMessage&) const = default;
};

/// The session was put out of memory: all states from here on are needed again.
struct ResumeMessage {
  int64_t from = 0;
  bool operator==(const ResumeMessage&) const = default;
};

struct CloseMessage {
  bool operator==(const CloseMessage&) const = default;
};

struct FailureMessage {
  Error error = {};
};

/// A Finish that was not taken.
struct BusyMessage {
  int64_t position = 0;
  double retry_after_s = 0;
  int64_t branch = 0;  // TextBranch::number of it
  bool operator==(const BusyMessage&) const = default;
};

/// Mode Cloud, where the text itself goes up: the server sends a Token for each of its answer, of
/// the position before it, then Close.
struct PromptMessage {
  std::vector<int32_t> tokens = {};
  int64_t most_tokens = 0;             // of the answer
  text::SamplerOptions sampling = {};  // as in a Finish
};

/// Tokens of a session's text from `position` on, the prompt's too. A device says what it gave out
/// where its user wants that kept, for an audit and for a device that has to begin again: with them
/// the text leaves it. The server, where a Hello wants them, says all that it was told, once.
struct TokensMessage {
  int64_t position = 0;
  std::vector<int32_t> ids = {};
  TextBranch branch = {};  // from the server: the newest that it has heard of, `from` 0
  bool operator==(const TokensMessage&) const = default;
};

using CollabMessage = std::variant<HelloMessage, AcceptMessage, StatesMessage, FinishMessage,
                                   TokenMessage, NackMessage, ResumeMessage, CloseMessage,
                                   FailureMessage, BusyMessage, PromptMessage, TokensMessage>;

/// What the other end may speak of.
struct CollabLimits {
  int64_t width = 0;
  int64_t vocab = 0;
  int64_t context = 0;                   // positions are below
  std::vector<std::string> codecs = {};  // of states; "x+zstd" stands for "x", too
};

Message to_message(const CollabMessage& message);

/// Nothing for a kind that this version does not know. Fails with Malformed, naming message and
/// field, for bytes that are no such message, and for what is beyond the limits or not finite.
Result<std::optional<CollabMessage>> read_message(const Message& message,
                                                  const CollabLimits& limits);

/// Fails with Conflict, naming the first difference (version, model, tokenizer, exits, width) and
/// the remedy.
Status check_same_split(const SplitIdentity& device, const SplitIdentity& server);

/// Those of `offered` that are in `known`, in their order. Fails with Unsupported for none.
Result<std::vector<std::string>> common_codecs(std::span<const std::string> offered,
                                               std::span<const std::string> known);

}  // namespace verge::serve
