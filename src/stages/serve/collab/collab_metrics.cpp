#include <algorithm>
#include <vector>

#include <verge/stages/serve/collab/collab_metrics.hpp>

namespace verge::serve {
namespace {

constexpr std::array<std::string_view, 4> kPlaceNames = {"exit1", "exit2", "cloud", "degraded"};

size_t longest_common_subsequence(std::span<const int32_t> a, std::span<const int32_t> b) {
  std::vector<size_t> row(b.size() + 1);  // lengths with the tokens of `a` so far
  for (const int32_t token : a) {
    size_t diagonal = 0;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t above = row[j + 1];
      row[j + 1] = token == b[j] ? diagonal + 1 : std::max(above, row[j]);
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

std::string_view name(TokenPlace place) {
  return kPlaceNames[static_cast<size_t>(place)];
}

double CollabMetrics::cloud_rate() const {
  const int64_t all = all_tokens();
  return all > 0 ? static_cast<double>(count(TokenPlace::Cloud)) / static_cast<double>(all) : 0;
}

double CollabMetrics::exposed_s() const {
  return std::max(0.0, waiting_s - server_s);
}

double CollabMetrics::hidden_s() const {
  return std::max(0.0, communication_s - exposed_s());
}

CollabMetrics& CollabMetrics::operator+=(const CollabMetrics& other) {
  for (size_t place = 0; place < tokens.size(); ++place) tokens[place] += other.tokens[place];
  asked += other.asked;
  probes += other.probes;
  waits += other.waits;
  drafted += other.drafted;
  undone += other.undone;
  late_states += other.late_states;
  sent_again += other.sent_again;
  edge_s += other.edge_s;
  waiting_s += other.waiting_s;
  server_s += other.server_s;
  communication_s += other.communication_s;
  bytes_up += other.bytes_up;
  bytes_down += other.bytes_down;
  edge_layer_tokens += other.edge_layer_tokens;
  return *this;
}

double agreement(std::span<const int32_t> tokens, std::span<const int32_t> reference) {
  const size_t longer = std::max(tokens.size(), reference.size());
  if (longer == 0) return 1;
  size_t same = 0;
  for (size_t i = 0; i < std::min(tokens.size(), reference.size()); ++i) {
    same += tokens[i] == reference[i];
  }
  return static_cast<double>(same) / static_cast<double>(longer);
}

double rouge_l(std::span<const int32_t> tokens, std::span<const int32_t> reference) {
  if (tokens.empty() && reference.empty()) return 1;
  const auto common = static_cast<double>(longest_common_subsequence(tokens, reference));
  return 2 * common / static_cast<double>(tokens.size() + reference.size());
}

}  // namespace verge::serve
