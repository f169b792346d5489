#include <algorithm>
#include <cmath>

#include <sys/stat.h>

#include <verge/stages/serve/api/access/gate.hpp>

namespace verge::serve::api {
namespace {

constexpr std::string_view kBearer = "bearer ";

bool is_bearer(std::string_view header) {
  return header.size() > kBearer.size() &&
         std::ranges::equal(header.substr(0, kBearer.size()), kBearer,
                            [](char a, char b) { return std::tolower(a) == b; });
}

void add_bucket(std::vector<RateHeader>& headers, const char* what, const Bucket& bucket,
                double now_s) {
  if (bucket.limit() == 0) return;
  headers.push_back({fmt::format("x-ratelimit-limit-{}", what), std::to_string(bucket.limit())});
  headers.push_back(
      {fmt::format("x-ratelimit-remaining-{}", what), std::to_string(bucket.available(now_s))});
  headers.push_back({fmt::format("x-ratelimit-reset-{}", what),
                     fmt::format("{:.0f}s", std::ceil(bucket.reset_s(now_s)))});
}

}  // namespace

bool Caller::may_use(std::string_view model) const {
  return std::ranges::any_of(models,
                             [&](const std::string& name) { return name == "*" || name == model; });
}

ApiError revoked_key() {
  return {401, "invalid_api_key", "the key was revoked while this was answered"};
}

Gate::Gate(std::string path, KeyFile keys, const Clock& clock)
    : clock_(clock), path_(std::move(path)), stamp_(stamp_of(path_)) {
  take(std::move(keys));
}

std::optional<Caller> Gate::identify(std::string_view authorization, Problem& problem) const {
  if (!has_keys()) return Caller{};
  const std::string_view secret =
      is_bearer(authorization) ? authorization.substr(kBearer.size()) : std::string_view();
  const std::lock_guard lock(mutex_);
  const AccessKey* key = keys_.find(secret);
  if (key != nullptr) return Caller{key->id, key->tenant, key->priority, key->models};
  problem.report({401, "invalid_api_key",
                  secret.empty() ? "this server wants a key: send \"Authorization: Bearer KEY\""
                                 : "the key is not known here"});
  return std::nullopt;
}

bool Gate::is_valid(const std::string& id) const {
  if (!has_keys()) return true;
  const std::lock_guard lock(mutex_);
  return std::ranges::count(keys_.keys(), id, &AccessKey::id) > 0;
}

Quota::Decision Gate::enter(const Caller& caller, const QuotaRequest& request, Problem& problem) {
  const std::lock_guard lock(mutex_);
  const auto quota = quotas_.find(caller.id);
  if (quota == quotas_.end()) {
    return Quota({}).reserve(request, clock_.seconds());
  }
  Quota::Decision decision = quota->second.reserve(request, clock_.seconds());
  if (decision.granted) {
    used_.insert(caller.id);
    return decision;
  }
  ApiError error{
      429, "rate_limit_exceeded",
      fmt::format("the key's limit of {} is reached; try again later", decision.refused_by)};
  if (decision.retry_after_s == 0) {
    error.status = 413;  // clients try a 429 again
    error.code = "request_too_large";
    error.message = fmt::format(
        "this request alone exceeds the key's limit of {}; make it shorter or lower max_tokens",
        decision.refused_by);
  }
  error.retry_after_s = decision.retry_after_s;
  problem.report(std::move(error));
  return decision;
}

void Gate::leave(const Caller& caller, const Quota::Decision& granted, int64_t used_tokens) {
  const std::lock_guard lock(mutex_);
  const auto quota = quotas_.find(caller.id);
  if (quota == quotas_.end()) return;
  quota->second.settle(granted, used_tokens, clock_.seconds());
  used_.insert(caller.id);
}

std::vector<RateHeader> Gate::headers(const Caller& caller) const {
  std::vector<RateHeader> headers;
  const std::lock_guard lock(mutex_);
  const auto quota = quotas_.find(caller.id);
  if (quota == quotas_.end()) return headers;
  const double now_s = clock_.seconds();
  add_bucket(headers, "requests", quota->second.requests(), now_s);
  add_bucket(headers, "tokens", quota->second.tokens(now_s), now_s);
  return headers;
}

std::vector<KeyUsage> Gate::take_usage(int64_t unix_s) {
  std::vector<KeyUsage> usages;
  const std::lock_guard lock(mutex_);
  for (const std::string& id : std::exchange(used_, {})) {
    const Quota& quota = quotas_.at(id);
    if (quota.limits().tokens_per_day == 0) continue;
    usages.push_back({id, quota.used_tokens(clock_.seconds()), unix_s});
  }
  return usages;
}

void Gate::restore(std::span<const KeyUsage> usages, int64_t unix_s) {
  const std::lock_guard lock(mutex_);
  const double now_s = clock_.seconds();
  for (const KeyUsage& usage : usages) {
    const auto quota = quotas_.find(usage.id);
    if (quota == quotas_.end()) continue;
    const double age_s = static_cast<double>(unix_s) - static_cast<double>(usage.unix_s);
    quota->second.restore(usage.tokens, now_s - age_s, now_s);
  }
}

Result<bool> Gate::refresh(bool always) {
  if (!has_keys()) return false;
  const Stamp stamp = stamp_of(path_);
  {
    const std::lock_guard lock(mutex_);
    if (stamp == stamp_ && !always) return false;
    stamp_ = stamp;
  }
  VERGE_TRY(KeyFile keys, KeyFile::load(path_));
  const std::lock_guard lock(mutex_);
  take(std::move(keys));
  return true;
}

Gate::Stamp Gate::stamp_of(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) return {};
  return {facts.st_ctim.tv_sec, facts.st_ctim.tv_nsec, facts.st_size, facts.st_ino};
}

// A key keeps what it has used and what it has running, whatever its limits become.
void Gate::take(KeyFile keys) {
  keys_ = std::move(keys);
  for (const AccessKey& key : keys_.keys()) {
    const auto [quota, is_new] = quotas_.try_emplace(key.id, key.limits);
    if (!is_new && quota->second.limits() != key.limits) {
      quota->second.change(key.limits, clock_.seconds());
    }
  }
}

}  // namespace verge::serve::api
