#include <sstream>

#include <gtest/gtest.h>

#include <verge/cli/node_report.hpp>

namespace verge::cli {
namespace {

fleet::KnownNode known() {
  return {.capability = {.node = "edge-1",
                         .software = "0.1.0",
                         .role = fleet::Role::Device,
                         .cores = 4},
          .address = "edge-1:7443",
          .fingerprint = "ab",
          .seen_unix_s = 1000};
}

TEST(NodeReport, ALinkIsShownWhereItWasMeasured) {
  fleet::KnownNode near = known();
  near.link = fleet::LinkReport{
      .round_trip_s = 0.0201, .up_bytes_per_s = 1 << 20, .down_bytes_per_s = 1 << 21};
  fleet::KnownNode far = known();
  far.address.clear();
  std::ostringstream out;
  print_nodes({near, far}, 1000 + 3 * 3600, out);
  for (const char* part :
       {"edge-1:7443", "device", "20.1 ms", "3 h", "dials this one", "not measured"}) {
    EXPECT_NE(out.str().find(part), std::string::npos) << part << " in " << out.str();
  }
}

TEST(NodeReport, JsonHasTheNumbers) {
  fleet::KnownNode node = known();
  EXPECT_FALSE(to_json(node).contains("round_trip_s"));
  node.link = fleet::LinkReport{.round_trip_s = 0.5, .up_bytes_per_s = 1, .down_bytes_per_s = 2};
  const Json json = to_json(node);
  EXPECT_EQ(json["round_trip_s"], 0.5);
  EXPECT_EQ(json["role"], "device");
  EXPECT_EQ(json["cores"], 4);
}

}  // namespace
}  // namespace verge::cli
