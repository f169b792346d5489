#pragma once
// AccessLog: a line for each HTTP answer. It holds no prompts and no keys. Any thread.

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <mutex>
#include <string>

#include <verge/platform/http/options.hpp>

namespace verge::cli {

class AccessLog {
 public:
  enum class Format { Text, Json };

  /// Both must outlive it; `unix_time_s` says when a line is written.
  AccessLog(std::ostream& out, Format format, std::function<int64_t()> unix_time_s)
      : out_(out), format_(format), unix_time_s_(std::move(unix_time_s)) {}

  void add(const http::AccessRecord& record);
  /// A line of the server's own.
  void note(const std::string& message);

 private:
  void write(const std::string& line);

  std::ostream& out_;
  Format format_;
  std::function<int64_t()> unix_time_s_;
  std::mutex mutex_;
};

}  // namespace verge::cli
