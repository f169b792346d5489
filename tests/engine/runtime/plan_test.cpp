#include <cstdlib>
#include <new>

#include <verge/engine/graph/builder.hpp>
#include <verge/engine/model/compiled_model.hpp>
#include <verge/engine/runtime/plan.hpp>

#include "small_trainer.hpp"
#include "tiny_models.hpp"

namespace {
std::atomic<int64_t> allocations{0};
}

// Not inlined: GCC would take free() in one for a mistake of the other.
[[gnu::noinline]] void* operator new(size_t bytes) {
  ++allocations;
  void* memory = std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(bytes);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace verge::runtime {
namespace {

// y = softcap(x W^T) for up to 8 rows.
graph::Graph small_graph() {
  graph::Builder b("small");
  const graph::Dim rows(1, b.symbol("rows", 8));
  const auto x = b.input("x", {DType::F32, {rows, 32}});
  const auto w = b.param("w", {DType::F32, {16, 32}});
  b.output(b.op("softcap", {b.op("linear", {x, w})}, {{"cap", 30.0}}), "y");
  return *b.finish();
}

Tensor ones(const Shape& shape) {
  Tensor tensor(DType::F32, shape);
  std::ranges::fill(tensor.span<float>(), 1.0f);
  return tensor;
}

TEST(Plan, FollowsTheExtents) {
  WeightStore weights;
  StateStore states;
  ThreadPool pool(2);
  weights.add("w", ones({16, 32}));
  auto plan = Plan::compile(small_graph(), weights, states, pool, {.canaries = true});
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  for (const int64_t rows : {3, 8, 1}) {
    std::fill_n(plan->input("x").as<float>(), rows * 32, 0.5f);
    ASSERT_TRUE(plan->run({rows}));
    const TensorView& y = plan->output("y");
    const double expected = 30 * std::tanh(16.0 / 30);
    for (int64_t i = 0; i < rows * 16; ++i) ASSERT_NEAR(y.as<float>()[i], expected, 1e-5);
  }
  EXPECT_THROW(plan->run({9}), InternalError);
  EXPECT_THROW(plan->input("z"), InternalError);
}

// The embedding of a model whose output head is the same tensor.
graph::Graph tied_graph(DType dtype) {
  graph::Builder b("tied");
  const auto ids = b.input("ids", {DType::I32, {graph::Dim(1, b.symbol("tokens", 4))}});
  const auto table = b.param("table", {dtype, {20, 32}});
  const auto x = b.op("embedding", {table, ids});
  b.output(x, "x");
  b.output(b.op("linear", {x, table}), "y");
  return *b.finish();
}

TEST(Plan, ATiedTableNeedsNoSecondHome) {
  ThreadPool pool(2);
  for (const DType dtype : {DType::F32, DType::F16, DType::BF16}) {
    WeightStore weights;
    StateStore states;
    Tensor table(dtype, {20, 32});
    const auto value = [](int64_t row, int64_t col) { return static_cast<float>(row - col); };
    for (int64_t i = 0; i < 20 * 32; ++i) {
      const float x = value(i / 32, i % 32);
      if (dtype == DType::F32) table.span<float>()[static_cast<size_t>(i)] = x;
      if (dtype == DType::F16) table.span<uint16_t>()[static_cast<size_t>(i)] = f32_to_f16(x);
      if (dtype == DType::BF16) table.span<uint16_t>()[static_cast<size_t>(i)] = f32_to_bf16(x);
    }
    weights.add("table", table.view(), nullptr);
    auto plan = Plan::compile(tied_graph(dtype), weights, states, pool);
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    std::memset(table.view().data, 0, static_cast<size_t>(table.view().bytes()));
    const int32_t ids[] = {19, 0, 16};
    std::ranges::copy(ids, plan->input("ids").as<int32_t>());
    ASSERT_TRUE(plan->run({3}));
    const float* x = plan->output("x").as<float>();
    for (int64_t i = 0; i < 3 * 32; ++i) EXPECT_EQ(x[i], value(ids[i / 32], i % 32)) << name(dtype);
  }
}

TEST(Plan, NamesMissingAndMismatchedWeights) {
  StateStore states;
  ThreadPool pool(1);
  WeightStore weights;
  const auto missing = Plan::compile(small_graph(), weights, states, pool);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, Code::NotFound);
  weights.add("w", ones({32, 16}));
  const auto other = Plan::compile(small_graph(), weights, states, pool);
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, Code::Malformed);
  EXPECT_NE(other.error().message.find("tensor w"), std::string::npos);
}

// Memory that is shared without canaries holds NaN until written: all families must agree.
TEST(Plan, NothingReadsUnwrittenMemoryOrWritesPastItsOwn) {
  ThreadPool pool(2);
  for (const char* shape : {"tiny-llama", "tiny-mixtral", "tiny-qwen2", "tiny-qwen3moe",
                            "tiny-gemma2", "tiny-gemma3", "tiny-phi3"}) {
    const test::TemporaryFolder folder;
    const build::RandomModelSpec spec = test::tiny_spec(shape);
    const std::string path = test::write_model(folder, spec);
    const std::vector<int32_t> tokens = test::random_tokens(40, spec.vocab);
    model::LoadOptions options = test::all_logits_options();
    const auto plain = test::load_model(path, pool, options);
    options.canaries = true;
    const auto guarded = test::load_model(path, pool, options);
    EXPECT_EQ(test::logits_of(*guarded, tokens, {30, 1}), test::logits_of(*plain, tokens, {30, 1}))
        << shape;
    EXPECT_GE(plain->decoder().prefill.memory().arena_bytes,
              plain->decoder().prefill.memory().lower_bound_bytes);
  }
}

// Compiled here, and read from a plan file.
TEST(Plan, RunningDoesNotAllocate) {
  const test::TemporaryFolder folder;
  ThreadPool pool(2);
  for (const char* shape : {"tiny-qwen3moe", "tiny-gemma3"}) {
    const std::string path = test::write_model(folder, test::tiny_spec(shape));
    model::LoadOptions options = test::all_logits_options();
    const auto source = format::ModelSource::open(path);
    ASSERT_TRUE(write_plan_file(folder / "plan", *model::compile_model(*source, options, 2)));
    for (const std::string& plan : {std::string(), folder / "plan"}) {
      options.plan = plan;
      const auto model = test::load_model(path, pool, options);
      Session session = model->session();
      ASSERT_TRUE(session.append(test::random_tokens(64, 512)).ok());
      ASSERT_TRUE(session.append(test::random_tokens(1, 512)).ok());
      Plan &prefill = model->decoder().prefill, &decode = model->decoder().decode;
      const int64_t before = allocations.load();
      for (int step = 0; step < 5; ++step) {
        decode.run({1, 1, 1});
        prefill.run({20 + step, 1, 20 + step});
      }
      EXPECT_EQ(allocations.load(), before) << shape << " " << plan;
    }
  }
}

// Forward, backward and update, of one pass and of two.
TEST(Plan, ATrainingStepDoesNotAllocate) {
  ThreadPool pool(2);
  for (const int64_t accumulate : {1, 2}) {
    const auto trainer = test::small_trainer(pool, test::small_options({}, accumulate));
    test::fill_small(*trainer, 1);
    for (int warm_up = 0; warm_up < 2; ++warm_up) trainer->step();
    const int64_t before = allocations.load();
    for (int pass = 0; pass < 6; ++pass) trainer->step();
    EXPECT_EQ(allocations.load(), before) << accumulate;
  }
}

TEST(Plan, ProfilesEveryNode) {
  WeightStore weights;
  StateStore states;
  ThreadPool pool(1);
  weights.add("w", ones({16, 32}));
  auto plan = Plan::compile(small_graph(), weights, states, pool);
  ASSERT_TRUE(plan.ok());
  plan->start_profile();
  plan->run({8});
  const auto profile = plan->profile();
  ASSERT_EQ(profile.size(), 2u);
  EXPECT_EQ(profile[0].op, "linear");
  EXPECT_FALSE(profile[0].is_reference);
  std::atomic<bool> cancel = true;
  const int64_t extents[] = {8};
  EXPECT_FALSE(plan->run(extents, &cancel));
}

}  // namespace
}  // namespace verge::runtime
