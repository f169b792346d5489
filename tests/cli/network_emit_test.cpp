#include <filesystem>

#include <command_line.hpp>
#include <gtest/gtest.h>
#include <onnx_writer.hpp>
#include <temporary_folder.hpp>

#include <verge/cli/network_emit.hpp>
#include <verge/core/run_program.hpp>
#include <verge/engine/format/npy/npy.hpp>

namespace verge::cli {
namespace {

class NetworkEmit : public testing::Test {
 protected:
  NetworkEmit() {
    Tensor x(DType::F32, {2, 2});
    for (size_t i = 0; i < 4; ++i) x.span<float>()[i] = static_cast<float>(i);
    EXPECT_TRUE(format::write_npy(folder_ / "x.npy", x.view()));
  }

  test::TemporaryFolder folder_;
  const std::string net_ = folder_.add("net.onnx", test::onnx_file(test::small_onnx()));
};

TEST_F(NetworkEmit, WritesASourceAndItsHeader) {
  const auto json = test::run_json(
      {"compile", net_, "--emit", "c", "--shape", "x=2x2", "-o", folder_ / "1 net.c"});
  test::expect_fields(json, {"nodes", "arena_bytes", "weight_bytes", "output", "header"});
  EXPECT_EQ(json["header"], folder_ / "net_1_net.h");
  const auto built = run_program({"gcc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                                  "-c", "-o", folder_ / "net.o", folder_ / "1 net.c"});
  ASSERT_TRUE(built) << built.error().message;
  EXPECT_EQ(built->status, 0) << built->output;
}

TEST_F(NetworkEmit, AProgramAnswersAsTheNetworkDoes) {
  const std::string program = folder_ / "net";
  const auto text =
      test::run_verge({"compile", net_, "--emit", "elf", "--shape", "x=2x2", "-o", program});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_NE(text.out.find("program "), std::string::npos) << text.out;
  const auto ran = run_program({program, "-o", folder_ / "out", folder_ / "x.npy"});
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(ran->status, 0) << ran->output;
  const auto y = format::read_npy(folder_ / "out0.npy");
  ASSERT_TRUE(y) << y.error().message;
  test::run_json(
      {"run", net_, "--input", "x=" + folder_ / "x.npy", "--output-dir", folder_ / "run"});
  const auto wanted = format::read_npy(folder_ / "run/y.npy");
  ASSERT_TRUE(wanted) << wanted.error().message;
  ASSERT_EQ(y->tensor.shape(), wanted->tensor.shape());
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_NEAR(y->tensor.span<float>()[i], wanted->tensor.span<float>()[i], 1e-5);
  }
}

TEST_F(NetworkEmit, SaysWhatDoesNotFit) {
  const std::string gguf = folder_.add("model.gguf", "GGUF");
  test::expect_refused(test::run_verge({"compile", gguf, "--emit", "c", "-o", folder_ / "a.c"}), 1,
                       "model.gguf: ");
  test::expect_refused(test::run_verge({"compile", net_, "--emit", "c", "-o", folder_ / "a"}), 2,
                       "ends in .c");
  test::expect_refused(
      test::run_verge({"compile", gguf, "--target", "aarch64", "-o", folder_ / "a"}), 2,
      "--target aarch64 is for --emit elf");
  test::expect_refused(test::run_verge({"compile", gguf, "--shape", "x=1", "-o", folder_ / "a"}), 2,
                       "--shape and --value");
}

}  // namespace
}  // namespace verge::cli
