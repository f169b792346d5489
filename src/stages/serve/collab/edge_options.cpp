#include <cmath>

#include <verge/platform/net/codec/tensor_codec.hpp>
#include <verge/stages/serve/collab/edge_options.hpp>

namespace verge::serve {
namespace {

constexpr int64_t kMostDrafts = 64;
constexpr std::array<std::string_view, 8> kReasonNames = {
    "sure", "asked", "standalone", "too late", "link down", "timed out", "busy", "refused"};

Status check_codec(const std::string& codec) {
  if (net::packed_bytes(codec, {1, 64}).ok()) return {};
  return make_error(Code::InvalidArgument, "there is no codec '{}'; there are {}", codec,
                    fmt::join(net::codec_names(), ", "));
}

}  // namespace

std::string_view name(TokenReason reason) {
  return kReasonNames[static_cast<size_t>(reason)];
}

Status check_edge_options(const EdgeOptions& options) {
  const CollabPolicyOptions& policy = options.policy;
  for (const double theta : {policy.theta1, policy.theta2, policy.theta_min}) {
    if (theta >= 0 && theta <= 1) continue;
    return make_error(Code::InvalidArgument, "a threshold is {}; use 0 to 1", theta);
  }
  for (const double temperature : options.temperatures.value_or(std::array<double, 2>{1, 1})) {
    if (temperature > 0) continue;
    return make_error(Code::InvalidArgument, "an exit's temperature is {}; use more than 0",
                      temperature);
  }
  if (!(policy.token_deadline_s > 0 && options.answer_deadline_s >= 0)) {
    return make_error(Code::InvalidArgument,
                      "deadlines are {} s a token and {} s an answer; use more than 0 for the "
                      "first, 0 (none) or more for the second",
                      policy.token_deadline_s, options.answer_deadline_s);
  }
  if (options.draft_tokens < 0 || options.draft_tokens > kMostDrafts) {
    return make_error(Code::InvalidArgument, "{} tokens to draft; use 0 to {}",
                      options.draft_tokens, kMostDrafts);
  }
  if (!(options.noise >= 0 && std::isfinite(options.noise))) {
    return make_error(Code::InvalidArgument, "noise of {} times a state's size; use 0 or more",
                      options.noise);
  }
  if (policy.mode == CollabMode::Cloud) {
    return make_error(Code::Unsupported,
                      "mode cloud runs nothing on the device; send the text to a server");
  }
  VERGE_RETURN_IF_ERROR(check_codec(options.codec));
  return options.late_codec.empty() ? Status() : check_codec(options.late_codec);
}

}  // namespace verge::serve
