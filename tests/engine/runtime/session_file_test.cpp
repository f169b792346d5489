#include <fstream>

#include <verge/core/file.hpp>
#include <verge/engine/runtime/session.hpp>

#include "tiny_models.hpp"

namespace verge::runtime {
namespace {

class SessionFile : public testing::Test {
 protected:
  void SetUp() override {
    options_.context = 64;
    options_.max_tokens = 32;
    path_ = test::write_model(folder_, test::tiny_spec("tiny-llama"));
    model_ = test::load_model(path_, pool_, options_);
    tokens_ = test::random_tokens(60, 512);
    saved_ = folder_ / "session";
    Session session = model_->session();
    ASSERT_TRUE(session.append(std::span(tokens_).first(40)).ok());
    logits_.assign(session.logits().begin(), session.logits().end());
    ASSERT_TRUE(session.save(saved_).ok());
  }

  Code restore_code(const std::string& path, model::LanguageModel& model) {
    const auto session = Session::restore(model.decoder(), path);
    return session.ok() ? Code::Internal : session.error().code;
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{1};
  model::LoadOptions options_;
  std::string path_, saved_;
  std::unique_ptr<model::LanguageModel> model_;
  std::vector<int32_t> tokens_;
  std::vector<float> logits_;
};

TEST_F(SessionFile, RestoredSessionsGoOnAlike) {
  const auto other = test::load_model(path_, pool_, options_);  // as after a restart
  auto session = Session::restore(other->decoder(), saved_);
  ASSERT_TRUE(session.ok()) << session.error().message;
  EXPECT_EQ(session->tokens(), std::vector(tokens_.begin(), tokens_.begin() + 40));
  EXPECT_LE(test::relative_error(session->logits(), logits_), 1e-5);
  Session original = model_->session();
  ASSERT_TRUE(original.append(tokens_).ok());
  ASSERT_TRUE(session->append(std::span(tokens_).subspan(40)).ok());
  EXPECT_LE(test::relative_error(session->logits(), original.logits()), 1e-5);
}

TEST_F(SessionFile, EmptySessionsCanBeSaved) {
  ASSERT_TRUE(model_->session().save(saved_).ok());
  const auto session = Session::restore(model_->decoder(), saved_);
  ASSERT_TRUE(session.ok()) << session.error().message;
  EXPECT_EQ(session->length(), 0);
}

TEST_F(SessionFile, DamageIsFoundAnywhere) {
  const std::string content = *read_whole_file(saved_, 1 << 24);
  for (size_t at = 0; at < content.size(); at += at < 400 ? 1 : 997) {
    std::string altered = content;
    altered[at] = static_cast<char>(altered[at] ^ 4);
    EXPECT_EQ(restore_code(folder_.add("altered", altered), *model_), Code::Malformed) << at;
    if (at == 0) continue;  // an empty file is refused by MappedFile
    EXPECT_EQ(restore_code(folder_.add("cut", content.substr(0, at)), *model_), Code::Malformed)
        << at;
  }
  EXPECT_EQ(model_->decoder().pool.free_pages(), 2);
}

TEST_F(SessionFile, OtherModelsAndCachesAreRefused) {
  const auto other = test::load_model(test::write_model(folder_, test::tiny_spec("tiny-mistral")),
                                      pool_, options_);
  EXPECT_EQ(restore_code(saved_, *other), Code::Conflict);
  options_.kv_dtype = DType::F32;
  EXPECT_EQ(restore_code(saved_, *test::load_model(path_, pool_, options_)), Code::Conflict);
  EXPECT_EQ(restore_code(folder_ / "absent", *model_), Code::NotFound);
  if (kernels::best_isa() == kernels::Isa::Generic) return;
  options_.kv_dtype = model::LoadOptions().kv_dtype;
  EXPECT_EQ(restore_code(saved_, *test::load_model(path_, pool_, options_)), Code::Internal);
  options_.isa = kernels::Isa::Generic;  // whose last bits are others
  EXPECT_EQ(restore_code(saved_, *test::load_model(path_, pool_, options_)), Code::Conflict);
}

TEST_F(SessionFile, SessionsLongerThanTheContextAreRefused) {
  options_.context = 32;
  EXPECT_EQ(restore_code(saved_, *test::load_model(path_, pool_, options_)), Code::InvalidArgument);
}

}  // namespace
}  // namespace verge::runtime
