#include <gtest/gtest.h>

#include <verge/stages/serve/scheduler/model_face.hpp>

#include "tiny_model.hpp"

namespace verge::serve {
namespace {

TEST(ModelFace, SaysWhatLoadingTheModelWould) {
  test::TemporaryFolder folder;
  ServedModel served{.name = "tiny", .path = test::tiny_model(folder)};
  served.load.context = 100;
  const auto face = read_face(served);
  ASSERT_TRUE(face.ok()) << face.error().message;
  ThreadPool pool(1);
  const auto model = model::LanguageModel::load(served.path, served.load, pool);
  ASSERT_TRUE(model.ok()) << model.error().message;
  const runtime::Decoder& decoder = (*model)->decoder();
  EXPECT_EQ((*face)->context, decoder.context);
  EXPECT_EQ((*face)->kv_tokens, decoder.pool.pages() * decoder.page_tokens);
  EXPECT_EQ((*face)->limit(), 100);
  EXPECT_EQ((*face)->tokenizer->size(), (*model)->tokenizer().size());
  EXPECT_GT((*face)->need.total(), 0);
}

TEST(ModelFace, FailsAsLoadingDoes) {
  EXPECT_EQ(read_face({.name = "x", .path = "/absent.gguf", .load = {}}).error().code,
            Code::NotFound);
}

}  // namespace
}  // namespace verge::serve
