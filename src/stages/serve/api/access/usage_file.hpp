#pragma once
// UsageFile: what keys have used of their day, over a restart of the server (SQLite). Kept by one
// server at a time: another one would count for itself alone.
//
//   VERGE_TRY(auto file, UsageFile::open("keys.json.usage"));
//   VERGE_TRY(const auto used, file->load());
//   ... every second: file->save(gate.take_usage(unix_s), unix_s);

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <verge/core/result.hpp>

namespace verge::store {
class Database;
}

namespace verge::serve::api {

/// Tokens of a key's day that were used, and not refilled, at a time.
struct KeyUsage {
  std::string id;
  int64_t tokens = 0;
  int64_t unix_s = 0;
  bool operator==(const KeyUsage&) const = default;
};

/// One thread.
class UsageFile {
 public:
  /// Makes it if it is not there. Conflict while another server has it, Malformed for another kind
  /// of file (left as it is), Io for a folder that cannot be written. Errors of all three name the
  /// file and the remedy.
  static Result<std::unique_ptr<UsageFile>> open(const std::string& path);
  ~UsageFile();

  Result<std::vector<KeyUsage>> load() const;
  /// Takes the place of what the file says of these keys; what is older than a day is forgotten.
  /// Survives a kill from its return on, a loss of power as SQLite's WAL does. A file that was
  /// removed meanwhile is made again, with all that it had.
  Status save(std::span<const KeyUsage> usages, int64_t unix_s);

 private:
  UsageFile(std::string path, std::unique_ptr<store::Database> database);
  Result<std::vector<KeyUsage>> read_all() const;
  Status write(std::span<const KeyUsage> usages, int64_t unix_s) const;
  Status make_again(int64_t unix_s);

  const std::string path_;
  std::unique_ptr<store::Database> database_;  // null while a removed file cannot be made again
  std::vector<KeyUsage> rescued_;              // of the removed file
};

}  // namespace verge::serve::api
