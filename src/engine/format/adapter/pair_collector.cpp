#include <verge/engine/format/adapter/pair_collector.hpp>

namespace verge::format {

Status PairCollector::add(const std::string& weight, bool is_a, StoredTensor tensor) {
  Halves& halves = halves_[weight];
  std::optional<StoredTensor>& half = is_a ? halves.a : halves.b;
  if (half) {
    return make_error(Code::Malformed, "{}: {} and {} are the same half of {}", path_, half->name,
                      tensor.name, weight);
  }
  half = std::move(tensor);
  return {};
}

Result<std::vector<AdapterPair>> PairCollector::finish() {
  std::vector<AdapterPair> pairs;
  for (auto& [weight, halves] : halves_) {
    if (!halves.a || !halves.b) {
      return make_error(Code::Malformed,
                        "{}: tensor {} has no counterpart; the adapter is incomplete: fetch it "
                        "again",
                        path_, (halves.a ? halves.a : halves.b)->name);
    }
    pairs.push_back({weight, std::move(*halves.a), std::move(*halves.b)});
  }
  halves_.clear();
  return pairs;
}

}  // namespace verge::format
