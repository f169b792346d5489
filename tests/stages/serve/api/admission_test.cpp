#include <verge/stages/serve/api/admission.hpp>

#include "serving.hpp"
#include "temporary_folder.hpp"

namespace verge::serve::api {
namespace {

class AdmissionTest : public testing::Test {
 protected:
  AdmissionTest() {
    auto secret = file_.add({.tenant = "t", .limits = {.tokens_per_minute = 100}});
    EXPECT_TRUE(file_.save(path_));
    gate_.emplace(path_, file_, clock_);
    Problem problem;
    caller_ = *gate_->identify("Bearer " + *secret, problem);
    caller_.priority = 3;
  }

  static std::vector<ServedModel> models(std::initializer_list<const char*> names) {
    std::vector<ServedModel> all;
    for (const char* name : names) {
      all.emplace_back();
      all.back().name = name;
      all.back().path = test::repository_model();
    }
    return all;
  }

  test::TemporaryFolder folder_;
  std::string path_ = folder_ / "keys.json";
  KeyFile file_;
  SystemClock clock_;
  std::optional<Gate> gate_;
  Caller caller_;
};

TEST_F(AdmissionTest, TheOnlyModelNeedsNoName) {
  ModelPool one(models({"a"}), clock_, {}), two(models({"a", "b"}), clock_, {});
  ModelDirectory only(one), several(two);
  std::string name;
  Problem problem;
  const Admission admission(only, *gate_, caller_, name, problem);
  EXPECT_FALSE(problem);
  EXPECT_EQ(name, "a");
  const Request request = admission.request({1, 2});
  EXPECT_EQ(request.model, "a");
  EXPECT_EQ(request.prompt, (TokenIds{1, 2}));
  EXPECT_EQ(request.tenant, "t");
  EXPECT_EQ(request.priority, 3);
  std::string none;
  const Admission refused(several, *gate_, caller_, none, problem);
  EXPECT_EQ(problem.error().param, "model");
  EXPECT_EQ(refused.model(), nullptr);
}

TEST_F(AdmissionTest, WhatIsNotUsedIsGivenBack) {
  ModelPool pool(models({"a"}), clock_, {});
  ModelDirectory directory(pool);
  std::string name = "a";
  Problem problem;
  Admission first(directory, *gate_, caller_, name, problem);
  first.reserve({.prompt = 10, .answer = 80}, problem);
  ASSERT_FALSE(problem);
  EXPECT_EQ(first.granted().answer, 80);
  Problem full;
  Admission second(directory, *gate_, caller_, name, full);
  second.reserve({.prompt = 10, .answer = 20}, full);
  EXPECT_EQ(full.error().status, 429);
  first.settlement()(12);
  Problem again;
  second.reserve({.prompt = 10, .answer = 20}, again);
  EXPECT_FALSE(again);
}

}  // namespace
}  // namespace verge::serve::api
