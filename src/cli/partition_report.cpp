#include <map>
#include <ostream>

#include <verge/cli/memory_report.hpp>
#include <verge/cli/partition_report.hpp>
#include <verge/core/units.hpp>

namespace verge::cli {
namespace {

using nlohmann::ordered_json;

// "52 conv2d, 10 add" of "conv2d (layer 1)", ...
std::string counted(const std::vector<std::string>& nodes) {
  std::map<std::string, int> counts;
  for (const std::string& node : nodes) ++counts[node.substr(0, node.find(' '))];
  std::string text;
  for (const auto& [op, count] : counts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, op);
  }
  return text;
}

}  // namespace

ordered_json partition_json(const graph::PartitionReport& report) {
  ordered_json regions = ordered_json::array(), stayed = ordered_json::array();
  for (const auto& region : report.regions) {
    regions.push_back({{"nodes", region.nodes},
                       {"flops", region.flops},
                       {"weight_bytes", region.weight_bytes},
                       {"memory_bytes", region.memory_bytes},
                       {"copies", region.copies},
                       {"bytes_to", region.bytes_to},
                       {"bytes_from", region.bytes_from}});
  }
  for (const auto& node : report.stayed) {
    stayed.push_back({{"node", node.node}, {"reasons", node.reasons}});
  }
  return {{"backend", report.backend}, {"delegated_nodes", report.delegated_nodes()},
          {"copies", report.copies()}, {"copied_bytes", report.copied_bytes()},
          {"regions", regions},        {"stayed", stayed}};
}

std::string partition_summary(const graph::PartitionReport& report) {
  const size_t delegated = report.delegated_nodes();
  const std::string copies = report.copies() == 0
                                 ? "nothing is copied"
                                 : fmt::format("{} copies of {} a run", report.copies(),
                                               show_bytes(report.copied_bytes()));
  return fmt::format("{}: {} of {} nodes in {} region{}; {}", report.backend, delegated,
                     delegated + report.stayed.size(), report.regions.size(),
                     report.regions.size() == 1 ? "" : "s", copies);
}

void print_partition(const graph::PartitionReport& report, std::ostream& out) {
  out << partition_summary(report) << "\n";
  for (size_t i = 0; i < report.regions.size(); ++i) {
    const auto& region = report.regions[i];
    out << fmt::format("region {}: {}; {:.1f} MFLOP, weights {}", i + 1, counted(region.nodes),
                       region.flops * 1e-6, show_bytes(region.weight_bytes));
    if (region.copies > 0) {
      out << fmt::format(", memory {}, {} to it and {} back", show_bytes(region.memory_bytes),
                         show_bytes(region.bytes_to), show_bytes(region.bytes_from));
    }
    out << "\n";
  }
  if (!report.stayed.empty()) out << "on the CPU:\n";
  for (const auto& node : report.stayed) {
    out << fmt::format("  {}: {}\n", node.node, fmt::join(node.reasons, "; "));
  }
}

}  // namespace verge::cli
