#pragma once
// Gate: who a request is from, and whether that one may go on. Any thread.
//
//   Gate gate(path, clock);                       // no path: everybody, without limits
//   const auto caller = gate.identify(authorization);
//   const auto passed = gate.enter(caller.id, quota_request);
//   ... gate.leave(caller.id, passed.decision, used_tokens);

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <verge/core/clock.hpp>
#include <verge/stages/serve/api/access/key_file.hpp>
#include <verge/stages/serve/api/access/quota.hpp>
#include <verge/stages/serve/api/access/usage_file.hpp>
#include <verge/stages/serve/api/api_error.hpp>

namespace verge::serve::api {

/// Who asks. `id` is empty where the server has no key file.
struct Caller {
  std::string id = {};
  std::string tenant = {};
  int priority = 0;
  std::vector<std::string> models = {"*"};
  bool may_use(std::string_view model) const;
};

struct RateHeader {
  std::string name, value;
};

/// Ends an answer whose key was revoked after it had begun.
ApiError revoked_key();

class Gate {
 public:
  /// Everybody passes.
  explicit Gate(const Clock& clock) : clock_(clock) {}
  Gate(std::string path, KeyFile keys, const Clock& clock);

  bool has_keys() const { return !path_.empty(); }

  /// The value of "Authorization: Bearer KEY"; reports 401.
  std::optional<Caller> identify(std::string_view authorization, Problem& problem) const;
  /// Whether the key is still in the file.
  bool is_valid(const std::string& id) const;

  /// Reserves; reports 429, or 413 for what exceeds a limit by itself.
  Quota::Decision enter(const Caller& caller, const QuotaRequest& request, Problem& problem);
  void leave(const Caller& caller, const Quota::Decision& granted, int64_t used_tokens);
  /// x-ratelimit-limit|remaining|reset-requests|tokens, where the key has such limits.
  std::vector<RateHeader> headers(const Caller& caller) const;

  /// What keys with a limit for the day have used of it: those that did since the last call.
  std::vector<KeyUsage> take_usage(int64_t unix_s);
  /// Counts what an earlier server counted.
  void restore(std::span<const KeyUsage> usages, int64_t unix_s);

  /// Reads the file again if it has changed (or `always`): true when keys were taken. A file that
  /// cannot be read leaves the keys there were, and is reported once for each state it is in.
  Result<bool> refresh(bool always = false);

 private:
  struct Stamp {
    int64_t seconds = 0, nanoseconds = 0, size = -1;
    uint64_t inode = 0;
    bool operator==(const Stamp&) const = default;
  };
  static Stamp stamp_of(const std::string& path);
  void take(KeyFile keys);

  const Clock& clock_;
  std::string path_;
  mutable std::mutex mutex_;
  KeyFile keys_;
  Stamp stamp_;
  std::map<std::string, Quota> quotas_;  // by id; they outlive a change of other keys
  std::set<std::string> used_;           // ids since the last take_usage()
};

}  // namespace verge::serve::api
