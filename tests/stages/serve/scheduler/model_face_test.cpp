#include <gtest/gtest.h>

#include <verge/stages/serve/scheduler/model_face.hpp>

#include "shared_data.hpp"
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

TEST(ModelFace, ADraftModelHasItsPlaceInMemory) {
  ServedModel served{.name = "lm", .path = test::repository_model()};
  served.load = {.max_outputs = 40, .max_sequences = 8, .kv_tokens = 2048};
  const auto alone = read_face(served);
  served.drafts = {.kind = DraftSource::Kind::Model, .path = served.path};
  const auto both = read_face(served);
  ASSERT_TRUE(alone.ok() && both.ok());
  EXPECT_EQ((*both)->need.weights_bytes, 2 * (*alone)->need.weights_bytes);
  EXPECT_EQ((*both)->need.kv_bytes, 2 * (*alone)->need.kv_bytes);
  EXPECT_GT((*both)->need.arena_bytes, (*alone)->need.arena_bytes);
  const model::LoadOptions load = draft_load(served.load);
  EXPECT_EQ(load.max_outputs, 1);  // as many as sequences, then
  EXPECT_EQ(load.max_sequences, 8);
}

TEST(ModelFace, WhatCannotGuessIsRefusedBeforeLoading) {
  test::TemporaryFolder folder;
  ServedModel served{.name = "lm", .path = test::repository_model()};
  const auto refusal = [&] {
    const auto face = read_face(served);
    EXPECT_FALSE(face.ok());
    return face.ok() ? Error{} : face.error();
  };
  served.drafts = {.kind = DraftSource::Kind::Exits, .exit_layers = 3};
  EXPECT_NE(refusal().message.find("some after 2, 4"), std::string::npos);
  served.drafts = {.kind = DraftSource::Kind::Model, .path = "/absent.gguf"};
  EXPECT_EQ(refusal().code, Code::NotFound);
  served.load.memory_bytes = int64_t{1} << 30;
  EXPECT_NE(refusal().message.find("memory ceiling"), std::string::npos);
  served.load.memory_bytes = 0;
  served.drafts.path = test::tiny_model(folder);
  EXPECT_NE(refusal().message.find("same vocabulary"), std::string::npos);
  served.path = served.drafts.path;
  served.drafts = {.kind = DraftSource::Kind::Exits};
  EXPECT_NE(refusal().message.find("train with --exits"), std::string::npos);
}

TEST(ModelFace, FailsAsLoadingDoes) {
  EXPECT_EQ(read_face({.name = "x", .path = "/absent.gguf", .load = {}}).error().code,
            Code::NotFound);
}

}  // namespace
}  // namespace verge::serve
