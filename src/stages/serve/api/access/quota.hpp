#pragma once
// Quota: what one key may still use. Each limit is a bucket that holds a full window and refills
// evenly (the generic cell rate algorithm, ITU-T I.371), so that none resets another. Tokens are
// reserved before the work and settled after it: what is used never passes a limit, however many
// ask at once.
//
//   Quota::Decision decision = quota.reserve({.prompt = 100, .answer = 50}, now_s);
//   if (decision.granted) { ... quota.settle(decision, 120, now_s); }

#include <cstdint>
#include <optional>
#include <string>

#include <verge/stages/serve/api/access/key_file.hpp>

namespace verge::serve::api {

/// A bucket of `limit` units that refills in `window_s`. A limit of 0 is none.
class Bucket {
 public:
  Bucket(int64_t limit, double window_s) : limit_(limit), window_s_(window_s) {}

  int64_t limit() const { return limit_; }
  int64_t available(double now_s) const;
  /// Seconds until so many are available; infinite for more than the limit.
  double wait_s(int64_t units, double now_s) const;
  void take(int64_t units, double now_s);
  /// Gives back what was taken at `taken_s` and not used, as far as it has not refilled since.
  void give_back(int64_t taken, int64_t unused, double taken_s, double now_s);
  /// Seconds until it is full.
  double reset_s(double now_s) const;
  /// Units that are used and not refilled, rounded up.
  int64_t used(double now_s) const;
  /// As if so many had been used at `then_s`, unless more are.
  void restore(int64_t used, double then_s, double now_s);
  /// Another limit; what is used stays used.
  void change(int64_t limit, double now_s);

 private:
  double level(double now_s) const;

  int64_t limit_;
  double window_s_;
  double used_ = 0;  // at since_s_
  double since_s_ = 0;
};

struct QuotaRequest {
  int64_t prompt = 0;  // tokens
  std::optional<int64_t> answer =
      {};                    // most tokens; unset: as many as there are, at least kLeastAnswer
  int64_t answer_limit = 0;  // what the context leaves, for an unset one
  int64_t answers = 1;       // how many of that length
};

/// One key. Not for several threads at once.
class Quota {
 public:
  static constexpr int64_t kLeastAnswer = 256;  // tokens worth beginning an answer of open length

  explicit Quota(const AccessLimits& limits);

  struct Decision {
    bool granted = false;
    int64_t reserved_tokens = 0;
    double reserved_s = 0;
    int64_t answer = 0;           // most tokens of each answer
    std::string refused_by = {};  // "requests per minute", ...
    double retry_after_s = 0;     // 0: never
  };
  Decision reserve(const QuotaRequest& request, double now_s);
  /// Ends a granted request; `used` tokens of the reserved ones stay counted.
  void settle(const Decision& granted, int64_t used, double now_s);

  /// Other limits, for what is used and running now, too.
  void change(const AccessLimits& limits, double now_s);

  const AccessLimits& limits() const { return limits_; }
  const Bucket& requests() const { return requests_; }
  /// The tokens' bucket that has less left.
  const Bucket& tokens(double now_s) const;
  int64_t running() const { return running_; }
  /// Of the day, reserved ones included, to be restored by a later process.
  int64_t used_tokens(double now_s) const { return day_.used(now_s); }
  void restore(int64_t used_tokens, double then_s, double now_s) {
    day_.restore(used_tokens, then_s, now_s);
  }

 private:
  int64_t affordable(const QuotaRequest& request, double now_s) const;
  Decision refusal(int64_t tokens, double now_s) const;

  AccessLimits limits_;
  Bucket requests_, minute_, day_;
  int64_t running_ = 0;
};

}  // namespace verge::serve::api
