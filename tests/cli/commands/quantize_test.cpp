#include <command_line.hpp>
#include <gtest/gtest.h>
#include <tiny_model.hpp>

namespace verge::cli {
namespace {

using test::expect_refused;
using test::run_verge;

TEST(QuantizeCommand, ReportsEveryTensor) {
  const test::TemporaryFolder folder;
  const auto json =
      test::run_json({"quantize", test::tiny_model(folder), folder / "out.gguf", "Q4_K_M", "-t",
                      "1", "--tensor-type", "ffn_up=Q8_0", "--quiet"});
  test::expect_fields(json, {"file", "recipe", "source_bytes", "bytes", "rmse", "relative_error",
                             "seconds", "tensors"});
  test::expect_fields(json["tensors"][0], {"name", "shape", "source_type", "requested_type", "type",
                                           "bytes", "rmse", "relative_error"});
  EXPECT_LT(json["bytes"], json["source_bytes"]);
}

TEST(QuantizeCommand, TheTableNamesFallBacks) {
  const test::TemporaryFolder folder;  // tiny-llama's columns of 96 hold no blocks of 256
  const auto ran =
      run_verge({"quantize", test::tiny_model(folder), folder / "out.gguf", "Q4_K_S", "-t", "1"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("fall-back"), std::string::npos) << ran.out;
  EXPECT_EQ(ran.err, "") << "no progress of a quick command where there is no terminal";
}

TEST(QuantizeCommand, RefusesBadInput) {
  const test::TemporaryFolder folder;
  const std::string in = test::tiny_model(folder), out = folder / "out.gguf";
  expect_refused(run_verge({"quantize", in, out, "Q9"}), 1, "choose one of");
  expect_refused(run_verge({"quantize", folder / "no.gguf", out, "Q8_0"}), 1, "no.gguf");
  expect_refused(run_verge({"quantize", in, out, "Q8_0", "--tensor-type", "x"}), 2, "REGEX=TYPE");
  expect_refused(run_verge({"quantize", in, out, "Q8_0", "--tensor-type", "x=Q9"}), 2, "Q9");
  expect_refused(run_verge({"quantize", in, folder / "no/out.gguf", "Q8_0", "-t", "1"}), 1,
                 "no/out");
}

}  // namespace
}  // namespace verge::cli
