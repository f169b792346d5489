#include <algorithm>
#include <cmath>
#include <limits>

#include <verge/stages/serve/api/access/quota.hpp>

namespace verge::serve::api {
namespace {

constexpr double kMinute = 60;
constexpr double kDay = 86400;
constexpr double kNever = std::numeric_limits<double>::infinity();

}  // namespace

double Bucket::level(double now_s) const {
  const double refilled = (now_s - since_s_) * static_cast<double>(limit_) / window_s_;
  return std::max(used_ - std::max(refilled, 0.0), 0.0);
}

int64_t Bucket::available(double now_s) const {
  if (limit_ == 0) return std::numeric_limits<int64_t>::max();
  return std::max<int64_t>(limit_ - static_cast<int64_t>(std::ceil(level(now_s))), 0);
}

double Bucket::wait_s(int64_t units, double now_s) const {
  if (limit_ == 0 || units <= available(now_s)) return 0;
  if (units > limit_) return kNever;
  const double excess = level(now_s) + static_cast<double>(units - limit_);
  return excess * window_s_ / static_cast<double>(limit_);
}

void Bucket::take(int64_t units, double now_s) {
  used_ = level(now_s) + static_cast<double>(units);
  since_s_ = now_s;
}

// What was taken leaves the bucket first-in first-out at the worst, so this much of it is certainly
// still counted; to give back more would let others pass the limit.
void Bucket::give_back(int64_t taken, int64_t unused, double taken_s, double now_s) {
  if (limit_ == 0) return;
  const double refilled = (now_s - taken_s) * static_cast<double>(limit_) / window_s_;
  const double left = std::max(static_cast<double>(taken) - refilled, 0.0);
  used_ = std::max(level(now_s) - std::min(static_cast<double>(unused), left), 0.0);
  since_s_ = now_s;
}

double Bucket::reset_s(double now_s) const {
  return limit_ == 0 ? 0 : level(now_s) * window_s_ / static_cast<double>(limit_);
}

int64_t Bucket::used(double now_s) const {
  return limit_ == 0 ? 0 : static_cast<int64_t>(std::ceil(level(now_s)));
}

void Bucket::restore(int64_t used, double then_s, double now_s) {
  if (limit_ == 0) return;
  Bucket before = *this;
  before.used_ = static_cast<double>(used);
  before.since_s_ = std::min(then_s, now_s);
  used_ = std::max(level(now_s), before.level(now_s));
  since_s_ = now_s;
}

void Bucket::change(int64_t limit, double now_s) {
  used_ = limit_ == 0 ? 0 : level(now_s);
  since_s_ = now_s;
  limit_ = limit;
}

Quota::Quota(const AccessLimits& limits)
    : limits_(limits),
      requests_(limits.requests_per_minute, kMinute),
      minute_(limits.tokens_per_minute, kMinute),
      day_(limits.tokens_per_day, kDay) {}

const Bucket& Quota::tokens(double now_s) const {
  const bool day_is_shorter =
      day_.limit() > 0 &&
      (minute_.limit() == 0 || day_.available(now_s) < minute_.available(now_s));
  return day_is_shorter ? day_ : minute_;
}

// Tokens of each answer: as asked, or what the buckets leave of an open one.
int64_t Quota::affordable(const QuotaRequest& request, double now_s) const {
  if (request.answer) return *request.answer;
  const int64_t left = std::min(minute_.available(now_s), day_.available(now_s)) - request.prompt;
  const int64_t share = left / std::max<int64_t>(request.answers, 1);
  const int64_t least = std::min(kLeastAnswer, request.answer_limit);
  return std::clamp(share, least, std::max(request.answer_limit, least));
}

Quota::Decision Quota::refusal(int64_t tokens, double now_s) const {
  const auto refuse = [](const char* by, double wait_s) {
    return Decision{.refused_by = by,
                    .retry_after_s = wait_s == kNever ? 0 : std::max(wait_s, 1.0)};
  };
  if (limits_.max_concurrent > 0 && running_ >= limits_.max_concurrent) {
    return refuse("concurrent requests", 1);
  }
  if (const double wait = requests_.wait_s(1, now_s); wait > 0) {
    return refuse("requests per minute", wait);
  }
  if (const double wait = minute_.wait_s(tokens, now_s); wait > 0) {
    return refuse("tokens per minute", wait);
  }
  if (const double wait = day_.wait_s(tokens, now_s); wait > 0) {
    return refuse("tokens per day", wait);
  }
  return {.granted = true};
}

Quota::Decision Quota::reserve(const QuotaRequest& request, double now_s) {
  const int64_t answer = affordable(request, now_s);
  const int64_t tokens = request.prompt + answer * request.answers;
  Decision decision = refusal(tokens, now_s);
  if (!decision.granted) return decision;
  requests_.take(1, now_s);
  minute_.take(tokens, now_s);
  day_.take(tokens, now_s);
  ++running_;
  decision.reserved_tokens = tokens;
  decision.reserved_s = now_s;
  decision.answer = answer;
  return decision;
}

void Quota::change(const AccessLimits& limits, double now_s) {
  limits_ = limits;
  requests_.change(limits.requests_per_minute, now_s);
  minute_.change(limits.tokens_per_minute, now_s);
  day_.change(limits.tokens_per_day, now_s);
}

void Quota::settle(const Decision& granted, int64_t used, double now_s) {
  const int64_t unused = std::max<int64_t>(granted.reserved_tokens - used, 0);
  minute_.give_back(granted.reserved_tokens, unused, granted.reserved_s, now_s);
  day_.give_back(granted.reserved_tokens, unused, granted.reserved_s, now_s);
  running_ = std::max<int64_t>(running_ - 1, 0);  // its key may have come back meanwhile
}

}  // namespace verge::serve::api
