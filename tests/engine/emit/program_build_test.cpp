#include <filesystem>
#include <fstream>
#include <iterator>

#include <verge/core/run_program.hpp>
#include <verge/engine/emit/program_build.hpp>

#include "c_check.hpp"

namespace verge::emit {
namespace {

// y = 2 x + 1 and z = e^x, of [2, 3].
CSource two_outputs() {
  graph::Builder b("two");
  const auto x = b.input("x", {DType::F32, {2, 3}});
  b.output(b.op("scale", {x}, {{"factor", 2.0}, {"offset", 1.0}}), "y");
  b.output(b.op("exp", {x}), "z");
  return emit_c(*b.finish(), {}, {.name = "net", .origin = "a test"}).value();
}

// The layers of `train image` for MNIST: 65,000 weights.
CSource digits() {
  graph::Builder b("digits");
  std::map<std::string, Tensor> weights;
  Rng rng(1);
  const auto weight = [&](std::vector<int64_t> extents) {
    const std::string name = fmt::format("w{}", weights.size());
    Tensor tensor(DType::F32, Shape(std::span<const int64_t>(extents)));
    for (float& x : tensor.span<float>()) x = static_cast<float>(rng.uniform()) - 0.5f;
    weights.emplace(name, std::move(tensor));
    return b.param(name, {DType::F32, graph::Dims(extents.begin(), extents.end())});
  };
  auto x = b.input("pixels", {DType::F32, {1, 1, 28, 28}});
  int64_t in = 1;
  for (const int64_t out : {16, 32, 32, 64, 64}) {
    if (out > in && in > 1) {
      x = b.op("max_pool2d", {x},
               {{"kernel", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{2, 2}}});
    }
    x = b.op("conv2d", {x, weight({out, in, 3, 3}), weight({out})},
             {{"pads", std::vector<int64_t>{1, 1, 1, 1}}, {"activation", "relu"}});
    in = out;
  }
  b.output(b.op("linear", {b.op("global_avg_pool", {x}), weight({10, in}), weight({10})}),
           "logits");
  const auto value = [&](std::string_view name) -> std::optional<TensorView> {
    return weights.at(std::string(name)).view();
  };
  return emit_c(*b.finish(), value, {.name = "digits", .origin = "a test"}).value();
}

std::string bytes_of_floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

// A version 1.0 array of NumPy.
std::string npy(std::string type, const std::vector<float>& values) {
  std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (2, 3), }";
  header.resize(117, ' ');
  return std::string("\x93NUMPY\x01\0\x76\0", 10) + header + "\n" + bytes_of_floats(values);
}

struct Run {
  std::vector<std::string> start;  // before the program: an emulator
  std::string program;

  ProgramResult operator()(std::vector<std::string> arguments) const {
    std::vector<std::string> words = start;
    words.push_back(program);
    words.insert(words.end(), arguments.begin(), arguments.end());
    return run_program(words).value();
  }
};

void expect_program(const Run& run, const test::TemporaryFolder& folder) {
  const std::vector<float> x = {0, 1, 2, -1, -2, 0.5};
  const std::string raw = folder.add("raw", bytes_of_floats(x));
  const std::string array = folder.add("x.npy", npy("<f4", x));
  for (const std::string& file : {raw, array}) {
    const ProgramResult result = run({"-k", "2", file});
    EXPECT_EQ(result.status, 0);
    EXPECT_EQ(result.output,
              "y\n  2  5.000000e+0\n  1  3.000000e+0\nz\n  2  7.389056e+0\n  1  2.718282e+0\n");
  }
  EXPECT_EQ(run({"-o", folder / "out", raw}).status, 0);
  std::ifstream written(folder / "out0.npy", std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(written)), {});
  EXPECT_EQ(bytes.substr(0, 10), npy("<f4", x).substr(0, 10));
  EXPECT_NE(bytes.find("'descr': '<f4', 'fortran_order': False, 'shape': (2,3,), }"),
            std::string::npos);
  EXPECT_EQ(bytes.substr(128), bytes_of_floats({1, 3, 5, -1, -3, 2}));

  EXPECT_EQ(run({folder.add("short", "abc")}).output, folder / "short" + ": has another size\n");
  EXPECT_NE(run({folder.add("f8.npy", npy("<f8", x))}).output.find("another type"),
            std::string::npos);
  EXPECT_EQ(run({}).status, 2);
}

TEST(BuildProgram, RunsOnThisMachine) {
  const test::TemporaryFolder folder;
  const auto bytes = build_program(two_outputs(), "net", Target::Host, folder / "program");
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(*bytes, static_cast<int64_t>(std::filesystem::file_size(folder / "program")));
  EXPECT_LT(*bytes, 1'000'000);
  EXPECT_EQ(folder.entries(), 1u);  // nothing else is left
  expect_program({{}, folder / "program"}, folder);
}

TEST(BuildProgram, RunsOnAnEmulatedArm) {
  if (!has_command("aarch64-linux-gnu-gcc")) GTEST_SKIP() << "no aarch64-linux-gnu-gcc here";
  if (!has_command("qemu-aarch64-static")) GTEST_SKIP() << "no qemu-aarch64-static here";
  const test::TemporaryFolder folder;
  const auto bytes = build_program(two_outputs(), "net", Target::Aarch64, folder / "program");
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_LT(*bytes, 1'000'000);
  expect_program({{"qemu-aarch64-static"}, folder / "program"}, folder);
}

TEST(BuildProgram, OfASmallClassifierIsBelowAMegabyte) {
  const test::TemporaryFolder folder;
  const CSource source = digits();
  EXPECT_GT(source.constant_bytes, 250'000);
  for (const Target target : {Target::Host, Target::Aarch64}) {
    if (target == Target::Aarch64 && !has_command("aarch64-linux-gnu-gcc")) continue;
    const auto bytes = build_program(source, "digits", target, folder / "program");
    ASSERT_TRUE(bytes) << bytes.error().message;
    EXPECT_LT(*bytes, 1'000'000);
    RecordProperty(target == Target::Host ? "host_bytes" : "aarch64_bytes", std::to_string(*bytes));
  }
}

TEST(BuildProgram, SaysWhatTheCompilerSaid) {
  const test::TemporaryFolder folder;
  CSource broken = two_outputs();
  broken.source += "nonsense";
  const auto failed = build_program(broken, "net", Target::Host, folder / "program");
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("gcc ended with 1:"), std::string::npos);
  EXPECT_EQ(folder.entries(), 0u);
}

TEST(BuildProgram, SaysWhatIsMissing) {
#if defined(VERGE_EMULATED)
  GTEST_SKIP() << "QEMU forks where Linux would share memory: a program that is none ends with 127";
#endif
  const test::TemporaryFolder folder;
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", folder.path().c_str(), 1);
  const auto missing = build_program(two_outputs(), "net", Target::Aarch64, folder / "program");
  ::setenv("PATH", path.c_str(), 1);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message,
            "aarch64-linux-gnu-gcc is not installed: apt-get install gcc-aarch64-linux-gnu");
}

// Names that a compiler takes for options, and a network's that is the driver's.
TEST(BuildProgram, AnyNameWillDo) {
  graph::Builder b("small");
  b.output(b.op("exp", {b.input("x", {DType::F32, {2}})}), "y");
  const CSource source = emit_c(*b.finish(), {}, {.name = "main", .origin = "a test"}).value();
  const test::TemporaryFolder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  for (const char* output : {"@program", "-program"}) {
    const auto bytes = build_program(source, "main", Target::Host, output);
    EXPECT_TRUE(bytes) << bytes.error().message;
    EXPECT_TRUE(std::filesystem::exists(output));
  }
  std::filesystem::current_path(before);
}

TEST(BuildProgram, TargetsHaveNames) {
  EXPECT_EQ(target_from_name("host"), Target::Host);
  EXPECT_EQ(target_from_name("aarch64"), Target::Aarch64);
  EXPECT_FALSE(target_from_name("z80").has_value());
}

}  // namespace
}  // namespace verge::emit
