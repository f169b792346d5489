#pragma once
// What an EdgeDriver is told, and what it tells of each token.

#include <array>
#include <optional>
#include <string>

#include <verge/engine/text/sampler.hpp>
#include <verge/stages/serve/collab/collab_metrics.hpp>
#include <verge/stages/serve/collab/collab_policy.hpp>
#include <verge/stages/serve/collab/exit_confidence.hpp>

namespace verge::serve {

struct EdgeOptions {
  CollabPolicyOptions policy = {};
  std::string codec = "f16";  // of states (platform/net/codec)
  ConfidenceMeasure measure = ConfidenceMeasure::MaxProbability;
  /// Of the two exits, above 0; nothing: the model's own.
  std::optional<std::array<double, 2>> temperatures = {};
  text::SamplerOptions sampling = {.temperature = 0};
  int64_t max_pending = 32;      // tokens that leave at the first exit until all of them are run on
  double answer_deadline_s = 0;  // for all of the answer, from append(); 0: none
  bool want_logprobs = false;    // of the server's tokens
  /// Modes Collab and Auto: the most tokens, 0 to 64, that are made after one that the server is
  /// asked for, while its answer is under way.
  int64_t draft_tokens = 0;
  /// Of states that wait in a queue that will not have left by when the server is likely to be
  /// asked again; empty: `codec`, and only then a threshold of 1 is the whole model's text.
  std::string late_codec = {};
  /// The server is told the text's tokens, the prompt's too, and keeps them with its session.
  bool audit = false;
  double noise = 0;  // sigma of the noise on states (state_noise.hpp)
};

/// Fails with InvalidArgument for thresholds, codecs or numbers out of range, Unsupported for mode
/// Cloud, which has no part on a device.
Status check_edge_options(const EdgeOptions& options);

/// Why a token was made where it was.
enum class TokenReason {
  Sure,        // the exit was
  Asked,       // it was not, and the server answered
  Standalone,  // the mode has no server
  TooLate,     // the server would have answered after the deadline
  LinkDown,    // the server cannot be reached, or did not answer lately
  TimedOut,    // it did not answer in time
  Busy,        // it said so
  Refused,     // it failed
};
std::string_view name(TokenReason reason);

struct CollabToken {
  int32_t id = 0;
  TokenPlace place = TokenPlace::Exit1;
  TokenReason reason = TokenReason::Sure;
  double confidence1 = 0;
  double confidence2 = 0;  // 0 where the second exit was not reached
  double theta2 = 1;       // as the policy had it
  std::optional<float> logprob = {};
};

}  // namespace verge::serve
