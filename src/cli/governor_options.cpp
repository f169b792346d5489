#include <verge/cli/governor_options.hpp>
#include <verge/platform/telemetry/machine_sensors.hpp>

namespace verge::cli {

void GovernorOptions::declare(Parser& parser) {
  constexpr const char* kGroup = "Giving way";
  parser
      .add_option("--min-battery", min_battery_,
                  "Pause below this charge, from 0 to 1, while it is not fed from outside")
      .group(kGroup);
  parser.add_option("--warm", warm_, "Slow down from this temperature on, in degrees Celsius")
      .group(kGroup);
  parser.add_option("--hot", hot_, "Pause from this temperature on, until it is warm again")
      .group(kGroup);
  parser
      .add_option("--busy-load", busy_load_,
                  "Half the pace while other processes take more than this share of the machine")
      .group(kGroup);
}

Result<runtime::Governor> GovernorOptions::governor() const {
  runtime::GovernorLimits limits{.min_battery = min_battery_, .busy_load = busy_load_};
  if (!(min_battery_ >= 0 && min_battery_ <= 1) || !(busy_load_ >= 0 && busy_load_ <= 1)) {
    return make_error(Code::InvalidArgument,
                      "--min-battery and --busy-load are shares from 0 to 1");
  }
  if ((warm_ > 0) != (hot_ > 0) || (hot_ > 0 && !(warm_ < hot_))) {
    return make_error(Code::InvalidArgument, "--warm {} and --hot {}: give both, warm below hot",
                      warm_, hot_);
  }
  if (hot_ > 0) {
    limits.warm_celsius = warm_;
    limits.hot_celsius = hot_;
  }
  const bool is_asked = min_battery_ > 0 || hot_ > 0 || busy_load_ < 1;
  if (!is_asked) return runtime::Governor();
  return runtime::Governor([limits](const runtime::Telemetry& now, const runtime::Pace& before) {
    return runtime::keep_limits(limits, now, before);
  });
}

std::function<runtime::Telemetry()> machine_telemetry(const Clock& clock) {
  auto sensors = std::make_shared<telemetry::MachineSensors>();
  return [sensors, &clock] {
    const telemetry::MachineReading reading = sensors->read();
    return runtime::Telemetry{.time_s = clock.seconds(),
                              .battery = reading.battery,
                              .celsius = reading.celsius,
                              .load = reading.load};
  };
}

}  // namespace verge::cli
