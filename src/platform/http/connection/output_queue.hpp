#pragma once
// OutputQueue: bytes on their way to the client: small ones joined, large ones moved, fixed ones
// not copied at all. What is being written stays where it is while more is appended.

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <verge/platform/http/connection/transport.hpp>

namespace verge::http {

class OutputQueue {
 public:
  /// For small bytes; the string that take their place behind what is queued.
  std::string& tail();
  void append(std::string bytes);
  /// `bytes` live as long as the queue.
  void append_fixed(std::string_view bytes);

  /// The next bytes to write, at most `most` of them; the same until written().
  std::span<const std::string_view> next(size_t most);
  /// What next() gave is written.
  void written();
  bool empty() const;
  /// Not yet written.
  size_t bytes() const;

 private:
  struct Part {
    std::string own;
    std::string_view fixed;
    std::string_view view() const { return own.empty() ? fixed : std::string_view(own); }
  };
  std::vector<Part> waiting_;
  std::vector<Part> writing_;  // not touched while views of it are out
  size_t part_ = 0;            // of writing_, where the next view begins
  size_t offset_ = 0;
  std::array<std::string_view, Transport::kMostParts> views_;
  size_t view_count_ = 0;
};

}  // namespace verge::http
