#pragma once
// CloudText: mode Cloud on the device: the prompt goes up, tokens come down, nothing is run here.
// Unlike the other modes it has nothing to say without its server.

#include <verge/stages/serve/collab/cloud_link.hpp>

namespace verge::serve {

class CloudText {
 public:
  explicit CloudText(CloudLink& link) : link_(link) {}

  /// Asks for an answer of at most so many tokens. Fails with Io without a connection, Conflict on
  /// a connection whose last answer has not ended, Unsupported as check_position_sampling.
  Status ask(std::span<const int32_t> prompt, int64_t most_tokens,
             const text::SamplerOptions& sampling);
  /// The next token; nothing when the answer has ended. Fails with Io when the link is lost or
  /// nothing comes in `timeout_s`, Busy, or as the server says; then the answer has ended.
  Result<std::optional<int32_t>> next(double timeout_s);
  /// Of all tokens so far, what the server needed: its engine and queue.
  double server_s() const { return server_s_; }

 private:
  CloudLink& link_;
  int64_t connection_ = 0;  // CloudLink::connections, when it was asked
  int64_t position_ = 0;    // of the next token
  double server_s_ = 0;
  bool is_over_ = true;
  bool is_broken_ = false;  // its end was not seen
};

}  // namespace verge::serve
