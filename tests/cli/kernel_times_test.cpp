#include <sstream>

#include <gtest/gtest.h>

#include <verge/cli/kernel_times.hpp>
#include <verge/engine/kernels/kernel.hpp>

#include "manual_clock.hpp"
#include "temporary_folder.hpp"

namespace verge::cli {
namespace {

/// A convolution of 3x3 with weights that are prepared: it has more than one way.
struct Call {
  std::byte present{};
  std::vector<TensorView> inputs = {{&present, DType::F32, {1, 2, 6, 6}},
                                    {&present, DType::F32, {2, 2, 3, 3}}};
  std::vector<TensorView> outputs = {{&present, DType::F32, {1, 2, 4, 4}}};
  graph::Attrs attrs;

  void ask(runtime::KernelChooser& chooser) const {
    chooser.choose(*kernels::find_kernel("conv2d"), {inputs, outputs, attrs, nullptr, 1u << 1},
                   runtime::Caches::Warm);
  }
};

struct Machine {
  ThreadPool pool{1};
  test::ManualClock clock;

  KernelTimes times(const std::string& path) { return {path, pool, kernels::Isa::Generic, clock}; }
};

TEST(KernelTimes, AreKeptAndThenKnown) {
  const test::TemporaryFolder folder;
  Machine machine;
  KernelTimes first = machine.times(folder / "cache/verge/kernels");
  Call().ask(first.chooser());
  EXPECT_TRUE(first.chooser().has_measured());
  first.keep();
  KernelTimes second = machine.times(folder / "cache/verge/kernels");
  Call().ask(second.chooser());
  EXPECT_FALSE(second.chooser().has_measured());
}

TEST(KernelTimes, AFolderThatCannotBeWrittenAndADamagedFileAreNoErrors) {
  const test::TemporaryFolder folder;
  Machine machine;
  for (const std::string& path :
       {folder.add("damaged", "no choices"), std::string(), folder.add("file", "") + "/kernels"}) {
    KernelTimes times = machine.times(path);
    Call().ask(times.chooser());
    EXPECT_TRUE(times.chooser().has_measured());
    times.keep();
  }
}

TEST(KernelTimes, AreShownForEachWay) {
  Machine machine;
  KernelTimes times = machine.times("");
  Call().ask(times.chooser());
  const auto json = kernel_times_json(times.chooser());
  ASSERT_EQ(json.size(), 1u);
  EXPECT_EQ(json[0]["seconds"].size(), 3u);
  EXPECT_TRUE(json[0]["seconds"].contains("winograd4"));
  std::ostringstream text;
  print_kernel_times(times.chooser(), text);
  EXPECT_NE(text.str().find("winograd2"), std::string::npos);
  EXPECT_NE(text.str().find("conv2d f32 [1, 2, 6, 6]"), std::string::npos);
}

}  // namespace
}  // namespace verge::cli
