#include <chrono>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include <verge/platform/telemetry/machine_sensors.hpp>

#include "temporary_folder.hpp"

namespace verge::telemetry {
namespace {

// A machine as Linux shows it, of files that are written.
struct WrittenMachine {
  test::TemporaryFolder folder;
  MachineSensors sensors{folder.path()};

  void add(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(folder / file).parent_path());
    folder.add(file, text);
  }
  void battery(const std::string& name, const char* status, const char* percent) const {
    const std::string at = "sys/class/power_supply/" + name;
    add(at + "/type", "Battery\n");
    add(at + "/status", status);
    add(at + "/capacity", percent);
  }
  // Ticks of all processors, idle ones, and those of this process.
  void ticks(int busy, int idle, int own) const {
    add("proc/stat", "cpu  " + std::to_string(busy) + " 0 0 " + std::to_string(idle) +
                         " 0 0 0 0 0 0\ncpu0 1 1 1 1\n");
    add("proc/self/stat",
        "7 (a name) with) S 1 2 3 4 5 6 7 8 9 10 " + std::to_string(own) + " 0 0 0 20 0 3 0\n");
  }
};

TEST(MachineSensors, OfNothingAreNothing) {
  WrittenMachine machine;
  const MachineReading reading = machine.sensors.read();
  EXPECT_FALSE(reading.battery);
  EXPECT_FALSE(reading.celsius);
  EXPECT_FALSE(reading.load);
}

TEST(MachineSensors, TheLeastBatteryCountsUnlessTheMachineIsFed) {
  WrittenMachine machine;
  machine.battery("BAT0", "Discharging\n", "81\n");
  machine.battery("BAT1", "Discharging\n", "34\n");
  EXPECT_EQ(machine.sensors.read().battery, 0.34);
  machine.battery("mouse", "Discharging\n", "5\n");
  machine.add("sys/class/power_supply/mouse/scope", "Device\n");
  EXPECT_EQ(machine.sensors.read().battery, 0.34);
  machine.battery("BAT1", "Discharging\n", "unknown\n");
  EXPECT_EQ(machine.sensors.read().battery, 0.81);
  machine.add("sys/class/power_supply/AC/type", "Mains\n");
  machine.add("sys/class/power_supply/AC/online", "0\n");
  EXPECT_EQ(machine.sensors.read().battery, 0.81);
  machine.add("sys/class/power_supply/AC/online", "1\n");
  EXPECT_FALSE(machine.sensors.read().battery);
  machine.add("sys/class/power_supply/AC/online", "0\n");
  machine.battery("BAT0", "Charging\n", "81\n");
  EXPECT_FALSE(machine.sensors.read().battery);
}

TEST(MachineSensors, TheHottestZoneCounts) {
  WrittenMachine machine;
  machine.add("sys/class/thermal/thermal_zone0/temp", "41500\n");
  machine.add("sys/class/thermal/thermal_zone1/temp", "63250\n");
  machine.add("sys/class/thermal/thermal_zone2/temp", "-274000\n");
  machine.add("sys/class/thermal/thermal_zone3/temp", "hot\n");
  machine.add("sys/class/thermal/cooling_device0/temp", "99000\n");
  EXPECT_EQ(machine.sensors.read().celsius, 63.25);
}

TEST(MachineSensors, LoadIsWhatOthersTookSinceTheReadingBefore) {
  WrittenMachine machine;
  machine.ticks(1000, 9000, 500);
  EXPECT_FALSE(machine.sensors.read().load);
  machine.ticks(1080, 9020, 550);
  EXPECT_NEAR(machine.sensors.read().load.value(), 0.3, 1e-12);
  machine.ticks(1180, 9020, 650);
  EXPECT_EQ(machine.sensors.read().load, 0.0);
  EXPECT_FALSE(machine.sensors.read().load);  // no time has passed
  machine.add("proc/stat", "damaged\n");
  EXPECT_FALSE(machine.sensors.read().load);
}

// Its proc/stat has a size of 0, and says more only after some hundredths of a second.
TEST(MachineSensors, ReadThisMachine) {
  MachineSensors sensors;
  MachineReading reading = sensors.read();
  if (!std::filesystem::exists("/proc/stat")) GTEST_SKIP() << "no /proc/stat here";
  for (int i = 0; i < 500 && !reading.load; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    reading = sensors.read();
  }
  ASSERT_TRUE(reading.load);
  EXPECT_TRUE(*reading.load >= 0 && *reading.load <= 1) << *reading.load;
  EXPECT_TRUE(!reading.battery || (*reading.battery >= 0 && *reading.battery <= 1));
}

}  // namespace
}  // namespace verge::telemetry
