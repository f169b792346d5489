#pragma once
// CloudRequests: a device's talk with its server: states go up, tokens are asked for, several at a
// time, and each is answered, or given up for a reason. What the server misses it is sent again,
// and so is a request whose connection was lost and is there again.
//
//   if (requests.decide(-1).may_ask) requests.ask(17, 0.5);
//   while (!(answer = requests.take_answer(17))) requests.wait();

#include <deque>
#include <limits>

#include <verge/core/clock.hpp>
#include <verge/stages/serve/collab/edge_layers.hpp>
#include <verge/stages/serve/collab/edge_options.hpp>
#include <verge/stages/serve/collab/state_uplink.hpp>

namespace verge::serve {

/// What became of a request: the server's token, or why there is none.
struct CloudAnswer {
  TokenReason reason = TokenReason::Asked;
  int32_t id = 0;
  std::optional<float> logprob = {};
};

/// One thread.
class CloudRequests {
 public:
  /// Observes link and server in `state`, and counts in `metrics`; makes states again of `layers`.
  /// All must outlive it.
  CloudRequests(CloudLink& link, EdgeLayers& layers, const EdgeOptions& options, const Clock& clock,
                CollabPolicyState& state, CollabMetrics& metrics);

  void push(StateRun run);
  /// `left_s`: until the whole answer is wanted; -1: no such wish.
  CollabDecision decide(double left_s) const;
  /// Asks for the token after the newest position, with all states before it.
  void ask(int64_t position, double wait_s);
  /// Asks for a token that nobody waits for: when it comes, the link is up again.
  void probe(int64_t position);
  /// Nothing while the request is under way; once.
  std::optional<CloudAnswer> take_answer(int64_t position);

  /// Takes what has come, gives up what is too late, and goes on sending. Waits for nothing.
  void look();
  /// The same after waiting, at most so long, for the oldest request's answer, or anything else
  /// that comes.
  void wait(double most_s = std::numeric_limits<double>::infinity());
  /// The text goes on from `length` tokens: nothing that was asked is wanted. `is_other`: there
  /// were tokens after these.
  void rewind(int64_t length, bool is_other);
  /// The text so far, whose newest tokens the server has not been told.
  void tell(std::span<const int32_t> text);
  /// Of what a device that is gone sent in the session, in branches up to `number`, states of the
  /// first `length` positions are this text's.
  void take_over(int64_t number, int64_t length) { uplink_.begin_branch({number + 1, length}); }
  /// The server forgets all it was told.
  void close_context() { (void)uplink_.send(CloseMessage()); }

  /// Seconds in which something was on its way to the server, or a token on its way back.
  double communication_s() const { return up_.seconds() + down_s_; }
  int64_t late_states() const { return uplink_.late_states(); }

 private:
  struct Request {
    int64_t position = 0;
    double until_s = 0;
    double asked_s = 0;       // when it left, as far as was seen
    int64_t connection = -1;  // that it was sent over; -1: not yet
    bool is_awaited = true;
    std::optional<CloudAnswer> answer = {};
  };
  using Requests = std::deque<Request>;
  bool is_naive() const { return options_.policy.mode == CollabMode::Naive; }
  void look_at_queue();
  void look_at_way();
  void send_requests();
  bool send(Request& request, double patience_s);
  void on_message(const CollabMessage& message);
  void on_token(const TokenMessage& token);
  void send_again(PositionRange range);
  void give_up(int64_t from, TokenReason reason);
  Requests::iterator find(int64_t position);
  Requests::iterator oldest();
  bool is_under_way(const Request& request) const { return request.is_awaited && !request.answer; }

  CloudLink& link_;
  EdgeLayers& layers_;
  const EdgeOptions& options_;
  const Clock& clock_;
  CollabPolicyState& state_;
  CollabMetrics& metrics_;
  StateUplink uplink_;
  int64_t connections_ = 0;  // CloudLink::connections, as seen last
  Requests requests_;        // in the order of their positions
  WayMeter up_;
  int64_t left_bytes_ = 0;  // StateUplink::left_bytes, as seen last
  double down_s_ = 0;
  size_t told_ = 0;        // tokens of the text
  int64_t told_over_ = 0;  // CloudLink::connections, of which that is true
};

}  // namespace verge::serve
