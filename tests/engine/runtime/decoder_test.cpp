#include <cstring>

#include <verge/engine/runtime/decoder.hpp>

#include "tiny_models.hpp"

namespace verge::runtime {
namespace {

TEST(Decoder, ItsPagesLieSideBySideInEachLayersCache) {
  const test::TemporaryFolder folder;
  ThreadPool pool(1);
  const auto model = test::load_model(test::write_model(folder, test::tiny_spec("tiny-llama")),
                                      pool, {.context = 128});
  const Decoder& decoder = model->decoder();
  for (int64_t layer = 0; layer < decoder.layers; ++layer) {
    const TensorView& cache = decoder.states.all().at(fmt::format("kv.{}", layer));
    const std::byte* expected = cache.as<std::byte>();
    for (int32_t page = 0; page < decoder.pool.pages(); ++page) {
      const auto bytes = page_bytes(decoder, layer, page);
      EXPECT_EQ(bytes.data(), expected);
      expected += bytes.size();
    }
    EXPECT_EQ(expected, cache.as<std::byte>() + cache.bytes());
  }
}

}  // namespace
}  // namespace verge::runtime
