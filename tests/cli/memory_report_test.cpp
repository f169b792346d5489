// The ceiling of --mem as the system counts: in a process of its own, resident memory and what the
// file leaves in the page cache.

#include <filesystem>

#include <command_line.hpp>
#include <fcntl.h>
#include <sanitized.hpp>
#include <sys/mman.h>
#include <temporary_folder.hpp>
#include <tiny_models.hpp>
#include <unistd.h>
#include <verge_program.hpp>

#include <verge/cli/memory_report.hpp>
#include <verge/core/file.hpp>

namespace verge::cli {
namespace {

constexpr int64_t kMiB = 1 << 20;

// 94 MiB of weights.
std::string large_model(const test::TemporaryFolder& folder) {
  build::RandomModelSpec spec = test::tiny_spec("tiny-llama");
  spec.d_model = 1024;
  spec.layers = 7;
  spec.heads = 16;
  spec.kv_heads = 4;
  spec.head_dim = 64;
  spec.ffn = 3584;
  return test::write_model(folder, spec, DType::Q8_0);
}

// What a run of the program in its own process printed as JSON.
nlohmann::json run_apart(std::vector<std::string> arguments, const std::string& out) {
  std::filesystem::remove(out);
  const pid_t child = test::start_verge(std::move(arguments), out, test::Printed::OutputAlone);
  EXPECT_EQ(test::wait_child(child), 0);
  const auto text = read_whole_file(out, 1 << 20);
  EXPECT_TRUE(text.ok());
  return text ? nlohmann::json::parse(*text, nullptr, false) : nlohmann::json();
}

// Bytes of the file in the page cache, or what of it is left when `drop` has emptied it.
int64_t cached_bytes(const std::string& path, bool drop = false) {
  const int file = ::open(path.c_str(), O_RDONLY);
  if (drop) ::fsync(file), ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  const auto size = static_cast<size_t>(::lseek(file, 0, SEEK_END));
  void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
  std::vector<unsigned char> resident((size + 4095) / 4096);
  EXPECT_EQ(::mincore(mapped, size, resident.data()), 0);
  ::munmap(mapped, size);
  ::close(file);
  return 4096 * std::ranges::count_if(resident, [](unsigned char page) { return page & 1; });
}

TEST(MemoryCeiling, IsKeptByTheProcessAndThePageCache) {
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer has memory of its own";
  const test::TemporaryFolder folder;
  const std::string model = large_model(folder);
  const std::vector<std::string> command = {"run", model,       "-p",  "a b c",       "-n",
                                            "5",   "--json",    "-t",  "2",           "--temp",
                                            "0",   "--context", "128", "--ignore-end"};
  const auto whole = run_apart(command, folder / "whole");
  const bool can_drop = cached_bytes(model, true) < kMiB;
  for (const int64_t ceiling : {96 * kMiB, 72 * kMiB, 56 * kMiB}) {
    auto with = command;
    with.insert(with.end(), {"--mem", std::to_string(ceiling)});
    const auto json = run_apart(with, folder / "out");
    ASSERT_TRUE(json.contains("stream")) << json.dump();
    EXPECT_EQ(json["tokens"], whole["tokens"]);
    EXPECT_LE(json["peak_rss_bytes"].get<int64_t>(), ceiling);
    EXPECT_GE(json["stream"]["read_bytes"].get<int64_t>(),
              5 * json["stream"]["streamed_bytes"].get<int64_t>());
    if (can_drop) {
      EXPECT_LE(cached_bytes(model), 8 * kMiB);
    }
  }
  EXPECT_GT(whole["peak_rss_bytes"].get<int64_t>(), 96 * kMiB);
  EXPECT_FALSE(whole.contains("stream"));
}

TEST(MemoryCeiling, InspectPlansTheSame) {
  const test::TemporaryFolder folder;
  const std::string model = test::write_model(folder, test::wide_spec("tiny-llama"), DType::F32);
  const auto plain = test::run_json({"inspect", model});
  EXPECT_FALSE(plain.contains("ceiling"));
  const auto roomy = test::run_json({"inspect", model, "--mem", "4G"});
  EXPECT_EQ(roomy["ceiling"]["streamed_bytes"], 0);
  EXPECT_EQ(roomy["memory"]["total_bytes"], plain["memory"]["total_bytes"]);
  const test::Ran ran = test::run_verge({"inspect", model, "--mem", "4G"});
  EXPECT_NE(ran.out.find("ceiling       4 GiB: "), std::string::npos) << ran.out;
}

TEST(MemoryCeiling, RefusesWhatItCannotKeep) {
  const test::TemporaryFolder folder;
  const std::string model = test::write_model(folder, test::wide_spec("tiny-llama"));
  for (const char* command : {"run", "inspect", "bench"}) {
    std::vector<std::string> arguments = {command, model, "--mem", "1M"};
    if (std::string(command) == "run") arguments.insert(arguments.end(), {"-p", "a"});
    test::expect_refused(test::run_verge(arguments), 1, "the least is");
  }
  test::expect_refused(test::run_verge({"inspect", model, "--mem", "lots"}), 2, "--mem");
  test::expect_refused(test::run_verge({"run", model, "-p", "a", "--mem", "4G", "--draft", model}),
                       2, "--draft");
}

TEST(MemoryReport, SaysWhatStaysAndWhatIsStreamed) {
  runtime::Residency residency;
  residency.pinned_bytes = 96 * kMiB;
  residency.streamed_bytes = 12 * kMiB;
  residency.window_bytes = 3 * kMiB;
  EXPECT_EQ(show_residency(residency),
            "96 MiB of weights stay, 12 MiB are streamed each run through a window of 3 MiB");
  EXPECT_EQ(residency_json(residency)["streamed_weights"], 0);
}

}  // namespace
}  // namespace verge::cli
