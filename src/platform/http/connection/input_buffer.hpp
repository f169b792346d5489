#pragma once
// InputBuffer: bytes read and not yet understood. Small while a connection is idle.

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace verge::http {

class InputBuffer {
 public:
  std::string_view view() const { return {bytes_.data() + begin_, end_ - begin_}; }
  size_t size() const { return end_ - begin_; }

  /// Room for `bytes` more behind the end. Nothing moves until commit(), whatever is consumed.
  std::span<char> space(size_t bytes);
  /// So many of the space were filled.
  void commit(size_t bytes) { end_ += bytes; }
  void consume(size_t bytes) { begin_ += bytes; }
  /// Forgets the content.
  void clear() { begin_ = end_; }

 private:
  std::vector<char> bytes_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace verge::http
