#pragma once
// How a network is shared out between a backend and the CPU, for people and as JSON.

#include <iosfwd>

#include <nlohmann/json.hpp>

#include <verge/engine/graph/passes/partition.hpp>

namespace verge::cli {

nlohmann::ordered_json partition_json(const graph::PartitionReport& report);
/// Regions, what they copy, and each node that stayed with all its reasons.
void print_partition(const graph::PartitionReport& report, std::ostream& out);
/// "onednn: 66 of 67 nodes in 1 region; nothing is copied"
std::string partition_summary(const graph::PartitionReport& report);

}  // namespace verge::cli
