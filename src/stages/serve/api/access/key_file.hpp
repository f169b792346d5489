#pragma once
// The key file: who may ask, for what, how much. JSON, made by `verge key add` and by hand; keys
// themselves are not in it, only their keyed BLAKE2b hashes (RFC 7693). A key is 256 random bits,
// so that a fast hash is enough.
//
//   {"salt": "...", "keys": [{"id": "k3fa91c2", "hash": "...", "tenant": "mail", "models": ["*"],
//     "priority": 0, "requests_per_minute": 60, "tokens_per_minute": 10000,
//     "tokens_per_day": 1000000, "max_concurrent": 4}]}

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <verge/core/result.hpp>

namespace verge::serve::api {

/// 0 is no limit.
struct AccessLimits {
  int64_t requests_per_minute = 0;
  int64_t tokens_per_minute = 0;
  int64_t tokens_per_day = 0;
  int64_t max_concurrent = 0;
  bool operator==(const AccessLimits&) const = default;
};

inline constexpr int kMostPriority = 8;

struct AccessKey {
  std::string id = {};    // 8 characters; stands in the key, in logs and in `verge key list`
  std::string hash = {};  // hexadecimal
  std::string tenant = {};
  int priority = 0;                         // -kMostPriority to kMostPriority, higher first
  std::vector<std::string> models = {"*"};  // names it may use; "*" is all
  AccessLimits limits = {};
};

class KeyFile {
 public:
  KeyFile() = default;

  /// Fails with NotFound, Malformed (naming the key and the field), Denied when others may write
  /// the file.
  static Result<KeyFile> load(const std::string& path);
  static Result<KeyFile> parse(std::string_view text, const std::string& path);
  /// Loads, has `edit` change it, and saves: nobody else changes the file meanwhile, and what
  /// `edit` refuses is not saved. `may_be_new`: a file that is not there is an empty one.
  static Status change(const std::string& path, bool may_be_new,
                       const std::function<Status(KeyFile&)>& edit);
  /// Whole or not at all, readable by the owner alone.
  Status save(const std::string& path) const;

  /// Adds a key and returns it, the only time it can be seen: "vk_<id>_<43 characters>". `settings`
  /// gives tenant, priority, models and limits. InvalidArgument for settings out of range.
  Result<std::string> add(AccessKey settings);
  /// Takes the key with this id out; NotFound.
  Status revoke(std::string_view id);

  /// The key that `secret` is, or null. Takes the same time for every wrong one.
  const AccessKey* find(std::string_view secret) const;
  const std::vector<AccessKey>& keys() const { return keys_; }

 private:
  std::string hash_of(std::string_view secret) const;

  std::string salt_;  // hexadecimal; keys the hash
  std::vector<AccessKey> keys_;
};

}  // namespace verge::serve::api
