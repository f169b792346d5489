#include <verge/engine/runtime/residency.hpp>

#include "adapters.hpp"
#include "tiny_models.hpp"

namespace verge::model {
namespace {

class Need : public testing::Test {
 protected:
  MemoryNeed need(const LoadOptions& options) const {
    const auto planned = plan_memory_need(*format::ModelSource::open(path_), options);
    EXPECT_TRUE(planned.ok()) << planned.error().message;
    return planned.ok() ? *planned : MemoryNeed{};
  }
  AdapterSpec adapter(const std::string& name) const {
    const auto adapter = test::random_adapter(path_, {.rank = 4});
    adapter.write_gguf(folder_ / name);
    return {name, folder_ / name};
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{1};
  std::string path_ = test::write_model(folder_, test::wide_spec("tiny-llama"));
};

TEST_F(Need, IsKnownBefore) {
  const LoadOptions options{.context = 128};
  const MemoryNeed planned = need(options);
  const auto model = test::load_model(path_, pool_, options);
  EXPECT_EQ(planned.kv_bytes, model->decoder().states.reserved_bytes());
  EXPECT_EQ(planned.kv_bytes, 2 * 2 * 2 * 32 * 128 * 2);  // layers, k and v, heads ..., f16
  EXPECT_GE(model->weights_bytes(), planned.weights_bytes / 2);
  EXPECT_LE(model->weights_bytes(), planned.weights_bytes * 11 / 10);
  const auto arena = [](const runtime::Plan& plan) {
    return plan.memory().arena_bytes + plan.memory().io_bytes;
  };
  const runtime::Decoder& decoder = model->decoder();
  EXPECT_GE(planned.arena_bytes, (arena(decoder.prefill) + arena(decoder.decode)) * 9 / 10);
}

// Where all fits below a ceiling, where not, and without one: adapters stay, and count.
TEST_F(Need, CountsAdaptersBelowACeiling) {
  LoadOptions options{.context = 128};
  LoadOptions with = options;
  with.adapters = {adapter("one"), adapter("two")};
  const int64_t more = need(with).weights_bytes - need(options).weights_bytes;
  EXPECT_GT(more, 0);
  options.memory_bytes = with.memory_bytes = int64_t{1} << 34;
  const int64_t below = need(with).weights_bytes - need(options).weights_bytes;
  EXPECT_GE(below, more);
  EXPECT_LE(below, more + (4 << 10)) << "scales and ranks";
  // What the base alone needs no longer holds all of it, and the plan is the one that is loaded.
  with.memory_bytes = need(options).total() + more / 2;
  const MemoryNeed streamed = need(with);
  EXPECT_GT(streamed.streamed_bytes, 0);
  EXPECT_LE(streamed.total(), with.memory_bytes);
  ThreadPool threads(2);
  const auto model = test::load_model(path_, threads, with);
  ASSERT_NE(model->residency(), nullptr);
  EXPECT_LE(model->residency()->total(), with.memory_bytes);
}

TEST_F(Need, FailsAsLoadingWould) {
  LoadOptions options;
  options.memory_bytes = 1 << 10;
  const auto refused = plan_memory_need(*format::ModelSource::open(path_), options);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::OutOfMemory);
  options.adapters = {{"absent", folder_ / "absent"}};
  EXPECT_EQ(plan_memory_need(*format::ModelSource::open(path_), options).error().code,
            Code::NotFound);
}

}  // namespace
}  // namespace verge::model
