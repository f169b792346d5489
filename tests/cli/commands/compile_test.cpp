#include <command_line.hpp>
#include <gtest/gtest.h>
#include <tiny_model.hpp>

namespace verge::cli {
namespace {

using test::run_verge;

TEST(CompileCommand, ThePlanAnswersAsTheModelDoes) {
  const test::TemporaryFolder folder;
  const std::string model = test::tiny_model(folder), plan = folder / "m.vplan";
  const auto json =
      test::run_json({"compile", model, "-o", plan, "--context", "64", "--batch", "32"});
  for (const char* program : {"prefill", "decode"}) {
    test::expect_fields(json[program], {"nodes", "arena_bytes", "lower_bound_bytes", "passes"});
    EXPECT_LE(json[program]["arena_bytes"].get<double>(),
              1.05 * json[program]["lower_bound_bytes"].get<double>());
  }
  const std::vector<std::string> run = {"run", model, "-p", "a b c",  "--context",
                                        "64",  "-n",  "12", "--temp", "0"};
  std::vector<std::string> planned = run;
  planned.insert(planned.end(), {"--plan", plan});
  const auto plain = run_verge(run), from_plan = run_verge(planned);
  EXPECT_EQ(plain.status, 0) << plain.err;
  EXPECT_EQ(from_plan.status, 0) << from_plan.err;
  EXPECT_EQ(plain.out, from_plan.out);
}

TEST(CompileCommand, APlanFitsItsModelOnly) {
  const test::TemporaryFolder folder;
  const std::string model = test::tiny_model(folder), plan = folder / "m.vplan";
  const auto text = run_verge({"compile", model, "-o", plan, "--context", "64"});
  EXPECT_NE(text.out.find("fuse_projections"), std::string::npos) << text.out << text.err;
  const std::string other = test::tiny_model(folder, "tiny-qwen2");
  test::expect_refused(run_verge({"run", other, "-p", "a", "--plan", plan}), 1, "another model");
  test::expect_refused(run_verge({"run", model, "-p", "a", "--plan", plan, "--context", "640"}), 1,
                       "compile it anew");
  test::expect_refused(run_verge({"run", model, "-p", "a", "--plan", model}), 1, model);
  test::expect_refused(run_verge({"compile", model}), 2, "out");
}

}  // namespace
}  // namespace verge::cli
