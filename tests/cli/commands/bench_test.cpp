#include <command_line.hpp>
#include <tiny_model.hpp>

namespace verge::cli {
namespace {

using test::run_verge;

TEST(BenchCommand, PrintsFiguresAndHowToRepeatThem) {
  const test::TemporaryFolder folder;
  const std::string model = test::tiny_model(folder);
  const auto json = test::run_json({"bench", model, "--prompt-tokens", "16", "--gen-tokens", "4",
                                    "--threads", "1", "--repeat", "1", "--profile"});
  test::expect_fields(json, {"prefill_tokens_per_s", "decode_tokens_per_s", "time_to_first_token_s",
                             "load_s", "peak_rss_bytes", "bandwidth_percent", "machine", "command",
                             "prefill_profile", "decode_profile"});
  EXPECT_GT(json["decode_tokens_per_s"], 0);
  EXPECT_EQ(json["command"],
            "verge bench " + model + " --prompt-tokens 16 --gen-tokens 4 --threads 1 --repeat 1");
}

TEST(BenchCommand, RefusesBadInput) {
  const test::TemporaryFolder folder;
  const std::string model = test::tiny_model(folder);
  test::expect_refused(run_verge({"bench", folder / "none.gguf"}), 1, "none.gguf");
  test::expect_refused(run_verge({"bench", folder.add("a.txt", "no model")}), 1, "a.txt");
  test::expect_refused(run_verge({"bench", model, "-t", "4096"}), 2, "cores");
  test::expect_refused(run_verge({"bench", model, "--repeat", "0", "-t", "1"}), 2, "at least 1");
  test::expect_refused(run_verge({"bench", model, "--isa", "sse9"}), 2, "sse9");
}

}  // namespace
}  // namespace verge::cli
