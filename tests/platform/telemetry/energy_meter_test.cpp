#include <filesystem>

#include <gtest/gtest.h>

#include <verge/platform/telemetry/energy_meter.hpp>

#include "temporary_folder.hpp"

namespace verge::telemetry {
namespace {

void write_zone(const test::TemporaryFolder& folder, const std::string& zone, const char* used_uj) {
  std::filesystem::create_directories(folder / zone);
  folder.add(zone + "/energy_uj", used_uj);
  folder.add(zone + "/max_energy_range_uj", "1000000\n");
}

// Two packages of a machine as Linux shows them; the core of one counts within it, not beside it.
TEST(EnergyMeter, SumsPackagesAndFollowsTheirRounds) {
  const test::TemporaryFolder folder;
  write_zone(folder, "intel-rapl:0", "100\n");
  write_zone(folder, "intel-rapl:1", "999000\n");
  write_zone(folder, "intel-rapl:0:0", "5\n");
  auto meter = EnergyMeter::open(folder / "");
  ASSERT_TRUE(meter);
  EXPECT_EQ(*meter->joules(), 0);
  write_zone(folder, "intel-rapl:0", "300100\n");
  write_zone(folder, "intel-rapl:1", "4000\n");
  write_zone(folder, "intel-rapl:0:0", "200000\n");
  EXPECT_NEAR(*meter->joules(), 0.3 + 0.005, 1e-12);
  EXPECT_NEAR(*meter->joules(), 0.305, 1e-12);
  write_zone(folder, "intel-rapl:0", "none\n");
  EXPECT_EQ(meter->joules().error().code, Code::Malformed);
}

TEST(EnergyMeter, IsAbsentWhereThereIsNothingToRead) {
  const test::TemporaryFolder folder;
  EXPECT_FALSE(EnergyMeter::open(folder / "nothing"));
  EXPECT_FALSE(EnergyMeter::open(folder / ""));
  std::filesystem::create_directories(folder / "intel-rapl:0");
  EXPECT_FALSE(EnergyMeter::open(folder / ""));
}

}  // namespace
}  // namespace verge::telemetry
