#include <cstring>

#include <verge/platform/http/connection/input_buffer.hpp>

namespace verge::http {
namespace {

constexpr size_t kMostKept = 16 << 10;

}  // namespace

std::span<char> InputBuffer::space(size_t bytes) {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (bytes_.size() > kMostKept && bytes <= kMostKept) std::vector<char>().swap(bytes_);
  }
  if (end_ + bytes > bytes_.size() && begin_ > 0) {
    std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ + bytes > bytes_.size()) bytes_.resize(end_ + bytes);
  return {bytes_.data() + end_, bytes};
}

}  // namespace verge::http
