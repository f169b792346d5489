#include <ostream>

#include <fmt/format.h>

#include <verge/cli/profile_table.hpp>

namespace verge::cli {

nlohmann::ordered_json profile_json(const std::vector<runtime::OperatorTime>& profile) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& time : profile) {
    list.push_back({{"op", time.op},
                    {"nodes", time.nodes},
                    {"reference_nodes", time.reference_nodes},
                    {"seconds", time.seconds}});
  }
  return list;
}

void print_profile(std::string_view title, const std::vector<runtime::OperatorTime>& profile,
                   std::ostream& out) {
  double all = 0;
  for (const auto& time : profile) all += time.seconds;
  out << fmt::format("\n{:<24} {:>6} {:>10} {:>7}\n", title, "nodes", "ms", "share");
  for (const auto& time : profile) {
    out << fmt::format("{:<24} {:>6} {:>10.2f} {:>6.1f}%{}\n", time.op, time.nodes,
                       time.seconds * 1e3, all > 0 ? 100 * time.seconds / all : 0.0,
                       time.reference_nodes > 0 ? "  reference kernel" : "");
  }
}

}  // namespace verge::cli
