#pragma once
// Names of requests, for logs: the client's own X-Request-Id where it is sane, else one made here.

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace verge::http {

/// 1 to 128 of letters, digits and "-_.:/+=@".
bool is_sane_request_id(std::string_view id);

/// Any thread.
class RequestIds {
 public:
  /// `series` tells processes apart.
  explicit RequestIds(uint32_t series) : series_(series) {}
  /// "1f3a9c02-5b", unique in this process.
  std::string make();

 private:
  const uint32_t series_;
  std::atomic<uint64_t> next_{1};
};

}  // namespace verge::http
