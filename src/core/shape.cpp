#include <algorithm>

#include <fmt/ranges.h>

#include <verge/core/result.hpp>
#include <verge/core/shape.hpp>

namespace verge {

Shape::Shape(std::initializer_list<int64_t> extents)
    : Shape(std::span<const int64_t>(extents.begin(), extents.size())) {}

Shape::Shape(std::span<const int64_t> extents) : rank_(static_cast<int>(extents.size())) {
  VERGE_CHECK(extents.size() <= kMaxRank, extents.size());
  std::copy(extents.begin(), extents.end(), extents_.begin());
}

int64_t Shape::count() const {
  int64_t product = 1;
  for (int64_t extent : extents()) product *= extent;
  return product;
}

int64_t Shape::rows() const {
  int64_t product = 1;
  for (int axis = 0; axis + 1 < rank_; ++axis) product *= extents_[axis];
  return product;
}

bool Shape::operator==(const Shape& other) const {
  return std::ranges::equal(extents(), other.extents());
}

std::string Shape::str() const {
  return fmt::format("[{}]", fmt::join(extents(), ", "));
}

}  // namespace verge
