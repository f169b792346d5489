#include <gtest/gtest.h>
#include <onnx_writer.hpp>

#include <verge/engine/model/onnx_network.hpp>
#include <verge/stages/serve/bench/network_bench.hpp>

namespace verge::serve {
namespace {

/// Readings 1 s apart, then 2, then 3.
class SlowingClock : public Clock {
 public:
  double seconds() const override { return now_ += ++step_; }

 private:
  mutable double now_ = 0, step_ = 0;
};

TEST(NetworkBench, MeasuresRuns) {
  const std::string bytes = test::onnx_file(test::small_onnx());
  const auto file = format::onnx::Onnx::parse(test::onnx_bytes(bytes)).value();
  ThreadPool pool(1);
  const std::vector<onnx::InputBinding> bindings = {{"x", {2, 2}, std::nullopt}};
  auto network = model::OnnxNetwork::compile(file, bindings, pool);
  ASSERT_TRUE(network) << network.error().message;
  const SlowingClock clock;
  const auto bench = run_network_bench(network->plan(), clock, {.repeat = 3, .profile = true});
  ASSERT_TRUE(bench);
  EXPECT_EQ(bench->least_s, 2);   // second reading after the first
  EXPECT_EQ(bench->median_s, 4);  // of 2, 4 and 6
  EXPECT_FALSE(bench->profile.empty());
  EXPECT_EQ(run_network_bench(network->plan(), clock, {.repeat = 0}).error().code,
            Code::InvalidArgument);
}

}  // namespace
}  // namespace verge::serve
