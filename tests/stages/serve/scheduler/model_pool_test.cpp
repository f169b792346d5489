#include <semaphore>

#include <gtest/gtest.h>

#include <verge/stages/serve/scheduler/model_pool.hpp>

#include "manual_clock.hpp"
#include "serving.hpp"
#include "tiny_model.hpp"
#include "tiny_models.hpp"

namespace verge::serve {
namespace {

using Names = std::vector<std::string>;

TEST(MakeRoom, PutsOutTheLeastRecentlyUsedThatAreNotBusy) {
  const std::vector<Resident> residents = {
      {"a", 40, 3, false}, {"b", 30, 1, false}, {"c", 20, 2, true}};
  struct Case {
    int64_t bytes;
    std::optional<Names> out;
  };
  const Case cases[] = {{10, Names{}},         {11, Names{"b"}},      {40, Names{"b"}},
                        {41, Names{"b", "a"}}, {80, Names{"b", "a"}}, {81, std::nullopt}};
  for (const auto& [bytes, out] : cases) EXPECT_EQ(make_room(residents, 100, bytes), out) << bytes;
}

class Pool : public testing::Test {
 protected:
  ModelPool& make(std::vector<ServedModel> models, ModelPoolOptions options) {
    pool_.emplace(std::move(models), clock_, options);
    pool_->on_loaded([this] { loaded_.release(); });
    return *pool_;
  }

  test::TemporaryFolder folder_;
  test::ManualClock clock_{0};
  std::counting_semaphore<16> loaded_{0};
  std::optional<ModelPool> pool_;  // last: it calls
};

TEST_F(Pool, LoadsOnItsOwnThreadAndUnloads) {
  ModelPool& pool =
      make({{.name = "tiny", .path = test::tiny_model(folder_)}}, {.threads = 1, .idle_s = 10});
  EXPECT_EQ(pool.names(), Names{"tiny"});
  EXPECT_EQ(pool.state("tiny"), LoadState::Unloaded);
  EXPECT_EQ(pool.need_bytes("tiny"), 0);
  ASSERT_TRUE(pool.face("tiny").ok());
  EXPECT_GT(pool.need_bytes("tiny"), 0);
  pool.load("tiny");
  loaded_.acquire();
  ASSERT_EQ(pool.state("tiny"), LoadState::Ready);
  EXPECT_EQ(pool.loaded("tiny")->model->tokenizer().size(),
            (*pool.face("tiny"))->tokenizer->size());
  const auto is_busy = [](const std::string&) { return false; };
  EXPECT_TRUE(pool.idle(is_busy).empty());
  clock_.set(9);
  pool.touch("tiny");
  clock_.set(18);
  EXPECT_TRUE(pool.idle(is_busy).empty());
  clock_.set(19);
  EXPECT_EQ(pool.idle(is_busy), Names{"tiny"});
  EXPECT_TRUE(pool.idle([](const std::string&) { return true; }).empty());
  pool.unload("tiny");
  EXPECT_EQ(pool.loaded("tiny"), nullptr);
}

TEST_F(Pool, HowLongAModelIsKeptIsForgottenWhenItLeaves) {
  ModelPool& pool = make({{.name = "tiny", .path = test::tiny_model(folder_)}}, {.threads = 1});
  ASSERT_TRUE(pool.face("tiny").ok());
  const auto is_busy = [](const std::string&) { return false; };
  const auto load = [&] {
    pool.load("tiny");
    loaded_.acquire();
  };
  load();
  EXPECT_TRUE(pool.idle(is_busy).empty());
  EXPECT_EQ(pool.kept_s("tiny"), std::nullopt);
  pool.keep_for("tiny", 90);
  EXPECT_EQ(pool.kept_s("tiny"), 90);
  clock_.advance(30);
  EXPECT_EQ(pool.kept_s("tiny"), 60);
  pool.keep_for("tiny", 0);
  EXPECT_EQ(pool.kept_s("tiny"), 0);
  EXPECT_EQ(pool.idle(is_busy), Names{"tiny"});
  pool.unload("tiny");
  load();
  EXPECT_TRUE(pool.idle(is_busy).empty());
}

TEST_F(Pool, AFailedLoadSaysWhyOnce) {
  const std::string path = test::tiny_model(folder_);
  ModelPool& pool = make({{.name = "tiny", .path = path}}, {});
  ASSERT_TRUE(pool.face("tiny").ok());
  std::filesystem::remove(path);
  pool.load("tiny");
  loaded_.acquire();
  EXPECT_EQ(pool.state("tiny"), LoadState::Failed);
  EXPECT_EQ(pool.take_error("tiny")->code, Code::NotFound);
  EXPECT_FALSE(pool.take_error("tiny").has_value());
}

TEST_F(Pool, RefusesWhatItCannotServe) {
  const std::string path = test::tiny_model(folder_);
  ModelPool& pool = make(
      {{.name = "tiny", .path = path}, {.name = "bad", .path = folder_.add("bad.gguf", "GGUF")}},
      {.memory_bytes = 1000});
  const auto other = pool.face("other");
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, Code::NotFound);
  EXPECT_NE(other.error().message.find("tiny, bad"), std::string::npos) << other.error().message;
  EXPECT_EQ(pool.face("tiny").error().code, Code::OutOfMemory);
  const std::string refusal = pool.face("tiny").error().message;
  for (const char* part : {"model tiny needs ", "of the 1000 B", "streamed", "the least is "}) {
    EXPECT_NE(refusal.find(part), std::string::npos) << refusal;
  }
  EXPECT_FALSE(pool.face("bad").ok());
}

TEST_F(Pool, AModelThatDoesNotFitIsStreamed) {
  ServedModel tiny{.name = "tiny",
                   .path = test::write_model(folder_, test::wide_spec("tiny-llama"))};
  tiny.load.context = 64;
  const auto whole = read_face(tiny);
  ASSERT_TRUE(whole.ok());
  const int64_t need = (*whole)->need.total();
  const int64_t budget = need - (*whole)->need.weights_bytes / 2;
  ModelPool& pool = make({tiny}, {.threads = 1, .memory_bytes = budget});
  const auto face = pool.face("tiny");
  ASSERT_TRUE(face.ok()) << face.error().message;
  EXPECT_EQ((*face)->load.memory_bytes, budget);
  EXPECT_GT((*face)->need.streamed_bytes, 0);
  EXPECT_LE(pool.need_bytes("tiny"), budget);
  pool.load("tiny");
  loaded_.acquire();
  ASSERT_EQ(pool.state("tiny"), LoadState::Ready);
  EXPECT_NE(pool.loaded("tiny")->model->stream(), nullptr);
  EXPECT_EQ((*read_face(tiny, need, need))->need.streamed_bytes, 0);
}

}  // namespace
}  // namespace verge::serve
