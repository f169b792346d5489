#include <csignal>

#include <command_line.hpp>
#include <model_home.hpp>
#include <shared_data.hpp>
#include <temporary_folder.hpp>
#include <verge_program.hpp>

namespace verge::cli {
namespace {

const std::string kServedModel = test::repository_model();

TEST(ServeCommand, HelpIsInGroupsWithExamples) {
  const test::Ran ran = test::run_verge({"serve", "--help"});
  for (const char* part :
       {"Network", "Access", "Models and memory", "Queue", "Log", "--kv-mem", "verge serve qwen"}) {
    EXPECT_NE(ran.out.find(part), std::string::npos) << part;
  }
}

TEST(ServeCommand, RefusesBeforeItServes) {
  {
    const test::ModelHome empty;
    test::expect_refused(test::run_verge({"serve"}), 2, "verge model import");
  }
  test::expect_refused(test::run_verge({"serve", "/nonexistent.gguf"}), 1, "/nonexistent.gguf");
  test::expect_refused(test::run_verge({"serve", kServedModel, "--host", "0.0.0.0"}), 1,
                       "verge key add");
  test::expect_refused(test::run_verge({"serve", kServedModel, "--api-keys", "/nonexistent"}), 1,
                       "/nonexistent");
  test::expect_refused(test::run_verge({"serve", kServedModel, "--port", "99999"}), 2, "--port");
  test::expect_refused(test::run_verge({"serve", kServedModel, "--max-queue", "0"}), 2,
                       "--max-queue");
  test::expect_refused(test::run_verge({"serve", kServedModel, "--log-format", "xml"}), 2,
                       "--log-format");
}

// The whole process: it says where it listens, drains at SIGTERM, and ends well.
TEST(ServeCommand, ServesUntilItIsTold) {
  const test::TemporaryFolder folder;
  const std::string socket = folder / "socket", out = folder / "out";
  const pid_t child =
      test::start_verge({"serve", kServedModel, "--unix-socket", socket, "--threads", "1"}, out);
  const auto said = [&](const std::string& what) {
    std::ifstream file(out);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return text.find(what) != std::string::npos;
  };
  for (int i = 0; i < 600 && !said("curl"); ++i) ::usleep(100'000);
  EXPECT_TRUE(said("Verge serves at"));
  EXPECT_TRUE(said("verge-lm: context 256"));
  EXPECT_TRUE(said("no chat template"));
  ::kill(child, SIGTERM);
  EXPECT_EQ(test::wait_child(child), 0);
  EXPECT_TRUE(said("draining"));
}

}  // namespace
}  // namespace verge::cli
