#include <ostream>

#include <verge/cli/node_report.hpp>
#include <verge/core/units.hpp>

namespace verge::cli {
namespace {

std::string show_age(int64_t seconds) {
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7200) return fmt::format("{} min", seconds / 60);
  if (seconds < 172800) return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} days", seconds / 86400);
}

}  // namespace

Json to_json(const fleet::Capability& can) {
  return {{"node", can.node},
          {"software", can.software},
          {"role", fleet::name(can.role)},
          {"cores", can.cores},
          {"isa", can.isa},
          {"memory_bytes", can.memory_bytes},
          {"read_gb_s", can.read_gb_s},
          {"f32_gflops", can.f32_gflops},
          {"bf16_gflops", can.bf16_gflops},
          {"int8_gops", can.int8_gops}};
}

Json to_json(const fleet::KnownNode& node) {
  Json json = to_json(node.capability);
  json["address"] = node.address;
  json["fingerprint"] = node.fingerprint;
  json["seen_unix_s"] = node.seen_unix_s;
  if (node.link) {
    json["round_trip_s"] = node.link->round_trip_s;
    json["up_bytes_per_s"] = node.link->up_bytes_per_s;
    json["down_bytes_per_s"] = node.link->down_bytes_per_s;
  }
  return json;
}

std::string show_link(const fleet::LinkReport& link) {
  return fmt::format("{:.1f} ms, up {}/s, down {}/s", link.round_trip_s * 1e3,
                     show_bytes(static_cast<int64_t>(link.up_bytes_per_s)),
                     show_bytes(static_cast<int64_t>(link.down_bytes_per_s)));
}

void print_nodes(const std::vector<fleet::KnownNode>& nodes, int64_t now_unix_s,
                 std::ostream& out) {
  size_t width = 4;
  for (const auto& node : nodes) width = std::max(width, node.capability.node.size());
  out << fmt::format("{:<{}}  {:<6}  {:>5}  {:<12}  {:>10}  {:>9}  {:>9}  {:<22}  {}\n", "name",
                     width, "role", "cores", "isa", "memory", "read GB/s", "seen", "address",
                     "link");
  for (const fleet::KnownNode& node : nodes) {
    const fleet::Capability& can = node.capability;
    out << fmt::format("{:<{}}  {:<6}  {:>5}  {:<12}  {:>10}  {:>9.1f}  {:>9}  {:<22}  {}\n",
                       can.node, width, fleet::name(can.role), can.cores, can.isa,
                       show_bytes(can.memory_bytes), can.read_gb_s,
                       show_age(now_unix_s - node.seen_unix_s),
                       node.address.empty() ? "dials this one" : node.address,
                       node.link ? show_link(*node.link) : "not measured");
  }
}

}  // namespace verge::cli
