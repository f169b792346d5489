#include <algorithm>
#include <numeric>
#include <utility>

#include <verge/core/nearest_names.hpp>

namespace verge {
namespace {

constexpr size_t kMost = 3;

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({replaced, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row.back();
}

}  // namespace

std::vector<std::string> nearest_names(std::string_view name, std::span<const std::string> known) {
  std::vector<std::pair<size_t, std::string>> near;
  const size_t limit = std::max<size_t>(1, name.size() / 3);
  for (const std::string& other : known) {
    const bool contains = !name.empty() && other.find(name) != std::string::npos;
    const size_t distance = contains ? 0 : edit_distance(name, other);
    if (distance <= limit) near.emplace_back(distance, other);
  }
  std::ranges::sort(near);
  std::vector<std::string> names;
  for (auto& [distance, other] : near) {
    if (names.size() < kMost) names.push_back(std::move(other));
  }
  return names;
}

}  // namespace verge
