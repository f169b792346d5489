#pragma once
// Shape: up to 6 extents, outermost first; the last is contiguous in memory. A plain value.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace verge {

class Shape {
 public:
  static constexpr int kMaxRank = 6;

  Shape() = default;
  Shape(std::initializer_list<int64_t> extents);
  explicit Shape(std::span<const int64_t> extents);

  int rank() const { return rank_; }
  int64_t operator[](int axis) const { return extents_[axis]; }
  int64_t& operator[](int axis) { return extents_[axis]; }
  int64_t back() const { return extents_[rank_ - 1]; }
  /// Product of all extents; 1 for rank 0.
  int64_t count() const;
  /// Product of all extents but the last: how many rows.
  int64_t rows() const;
  std::span<const int64_t> extents() const { return {extents_.data(), static_cast<size_t>(rank_)}; }
  bool operator==(const Shape& other) const;
  /// "[2, 3, 64]"
  std::string str() const;

 private:
  std::array<int64_t, kMaxRank> extents_{};
  int rank_ = 0;
};

}  // namespace verge
