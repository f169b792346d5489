#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include <verge/stages/serve/scheduler/prefix_file.hpp>

#include "serving.hpp"
#include "small_disk.hpp"
#include "tiny_models.hpp"

namespace verge::serve {
namespace {

class PrefixFile : public testing::Test {
 protected:
  void SetUp() override {
    options_.context = 128;
    options_.kv_tokens = 512;
    path_ = test::write_model(folder_, test::tiny_spec("tiny-llama"));
    model_ = test::load_model(path_, pool_, options_);
    ASSERT_NE(model_, nullptr);
  }

  runtime::Decoder& decoder() { return model_->decoder(); }
  std::string file() const { return folder_ / "prompts.kv"; }

  // A page of its own with a content of its own, kept after `before`.
  int32_t keep(PrefixCache& cache, std::span<const int32_t> tokens, std::vector<int32_t> before) {
    const int32_t page = *decoder().pool.allocate();
    for (int64_t layer = 0; layer < decoder().layers; ++layer) {
      for (std::byte& value : runtime::page_bytes(decoder(), layer, page)) {
        value = static_cast<std::byte>(rng_.next());
      }
    }
    before.push_back(page);
    cache.add(tokens, hashes(tokens), before);
    decoder().pool.release(page);
    return page;
  }

  std::vector<uint64_t> hashes(std::span<const int32_t> tokens) {
    return page_hashes(tokens, decoder().page_tokens, 0);
  }

  std::vector<std::byte> content(runtime::Decoder& decoder, int32_t page) {
    std::vector<std::byte> all;
    for (int64_t layer = 0; layer < decoder.layers; ++layer) {
      const auto bytes = runtime::page_bytes(decoder, layer, page);
      all.insert(all.end(), bytes.begin(), bytes.end());
    }
    return all;
  }

  test::TemporaryFolder folder_;
  std::string path_;
  ThreadPool pool_{1};
  model::LoadOptions options_;
  std::unique_ptr<model::LanguageModel> model_;
  Rng rng_{1};
  const std::vector<int32_t> tokens_ = test::random_tokens(96, 512);
};

TEST_F(PrefixFile, GivesBackPagesWithTheirContent) {
  PrefixCache cache(decoder().pool, decoder().page_tokens);
  const int32_t first = keep(cache, std::span(tokens_).first(32), {});
  const int32_t second = keep(cache, std::span(tokens_).first(64), {first});
  const int32_t third = keep(cache, tokens_, {first, second});
  ASSERT_TRUE(save_prefixes(file(), decoder(), cache, int64_t{1} << 30).ok());

  const auto other = test::load_model(path_, pool_, options_);
  other->decoder().pool.allocate().ok();  // so that pages have other numbers
  PrefixCache loaded(other->decoder().pool, decoder().page_tokens);
  const auto pages = load_prefixes(file(), other->decoder(), loaded);
  ASSERT_TRUE(pages.ok()) << pages.error().message;
  EXPECT_EQ(*pages, 3);
  const auto found = loaded.find(tokens_, hashes(tokens_));
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(content(other->decoder(), found[0]), content(decoder(), first));
  EXPECT_EQ(content(other->decoder(), found[1]), content(decoder(), second));
  EXPECT_EQ(content(other->decoder(), found[2]), content(decoder(), third));
  EXPECT_EQ(loaded.evict(100), 3);
}

TEST_F(PrefixFile, TakesNoMoreThanIsAllowedAndFits) {
  PrefixCache cache(decoder().pool, decoder().page_tokens);
  const int32_t first = keep(cache, std::span(tokens_).first(32), {});
  const int32_t second = keep(cache, std::span(tokens_).first(64), {first});
  const auto page_bytes = static_cast<int64_t>(content(decoder(), first).size());
  ASSERT_TRUE(save_prefixes(file(), decoder(), cache, page_bytes).ok());
  PrefixCache loaded(decoder().pool, decoder().page_tokens);
  EXPECT_EQ(*load_prefixes(file(), decoder(), loaded), 1);
  EXPECT_EQ(loaded.find(tokens_, hashes(tokens_)).size(), 1u);

  keep(cache, tokens_, {first, second});
  ASSERT_TRUE(save_prefixes(file(), decoder(), cache, int64_t{1} << 30).ok());
  options_.kv_tokens = 64;
  const auto small = test::load_model(path_, pool_, options_);
  PrefixCache few(small->decoder().pool, decoder().page_tokens);
  EXPECT_EQ(*load_prefixes(file(), small->decoder(), few), 2);
}

TEST_F(PrefixFile, RefusesWhatIsDamagedOrForeign) {
  PrefixCache cache(decoder().pool, decoder().page_tokens);
  keep(cache, std::span(tokens_).first(32), {});
  ASSERT_TRUE(save_prefixes(file(), decoder(), cache, int64_t{1} << 30).ok());
  cache.evict(1);
  std::string bytes = *read_whole_file(file(), size_t{1} << 30);
  const auto load = [&](const std::string& content) {
    folder_.add("prompts.kv", content);
    PrefixCache loaded(decoder().pool, decoder().page_tokens);
    const auto pages = load_prefixes(file(), decoder(), loaded);
    return pages ? Code::Internal : pages.error().code;
  };
  for (size_t i = 0; i < bytes.size(); i += bytes.size() / 50) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 4);
    EXPECT_EQ(load(damaged), Code::Malformed) << i;
    EXPECT_EQ(load(bytes.substr(0, i + 1)), Code::Malformed) << i;
  }
  EXPECT_EQ(decoder().pool.free_pages(), decoder().pool.pages());
  options_.kv_dtype = DType::F32;
  folder_.add("prompts.kv", bytes);
  const auto other = test::load_model(path_, pool_, options_);
  PrefixCache loaded(other->decoder().pool, decoder().page_tokens);
  EXPECT_EQ(load_prefixes(file(), other->decoder(), loaded).error().code, Code::Conflict);
  EXPECT_EQ(load_prefixes(folder_ / "absent", decoder(), cache).error().code, Code::NotFound);
}

TEST_F(PrefixFile, AFullDiskKeepsWhatWasThere) {
  PrefixCache cache(decoder().pool, decoder().page_tokens);
  keep(cache, std::span(tokens_).first(32), {});
  ASSERT_TRUE(save_prefixes(file(), decoder(), cache, int64_t{1} << 30).ok());
  const std::string before = *read_whole_file(file(), size_t{1} << 30);
  const size_t entries = folder_.entries();
  {
    const test::SmallDisk full(512);
    EXPECT_EQ(save_prefixes(file(), decoder(), cache, int64_t{1} << 30).error().code, Code::Io);
  }
  EXPECT_EQ(*read_whole_file(file(), size_t{1} << 30), before);
  EXPECT_EQ(folder_.entries(), entries);
}

class PrefixFolder : public testing::Test {
 protected:
  // A file of a model, last used so many days before the one that was just written.
  std::string add(int number, int days, size_t bytes = 100) {
    const std::string name = fmt::format("prompts-{:016x}.kv", number);
    const std::string path = folder_.add(name, std::string(bytes, 'x'));
    std::filesystem::last_write_time(path, written_ - std::chrono::hours(24 * days));
    return path;
  }
  bool is_there(const std::string& path) { return std::filesystem::exists(path); }

  test::TemporaryFolder folder_;
  const std::filesystem::file_time_type written_ = std::filesystem::file_time_type::clock::now();
};

TEST_F(PrefixFolder, WhatNobodyUsesGoes) {
  const std::string now = add(0, 0), recent = add(1, 29), old = add(2, 31);
  const std::string foreign = folder_.add("prompts-of-mine.kv", "x");
  std::filesystem::last_write_time(foreign, written_ - std::chrono::hours(10000));
  ASSERT_TRUE(trim_prefix_folder(now, {}));
  EXPECT_TRUE(is_there(now) && is_there(recent) && is_there(foreign));
  EXPECT_FALSE(is_there(old));
}

TEST_F(PrefixFolder, TheLongestUnusedGoBeyondTheBytes) {
  const std::string now = add(0, 0), first = add(1, 1), second = add(2, 2), third = add(3, 3);
  const std::string large = add(4, 1, 1000);
  ASSERT_TRUE(trim_prefix_folder(now, {.bytes = 300}));
  EXPECT_TRUE(is_there(now) && is_there(first) && is_there(second));
  EXPECT_FALSE(is_there(third) || is_there(large));
  ASSERT_TRUE(trim_prefix_folder(now, {.bytes = 0}));
  EXPECT_EQ(folder_.entries(), 1u) << "what was just written stays";
}

TEST_F(PrefixFile, ReadingIsUse) {
  PrefixCache cache(decoder().pool, decoder().page_tokens);
  keep(cache, std::span(tokens_).first(32), {});
  ASSERT_TRUE(save_prefixes(file(), decoder(), cache, int64_t{1} << 30).ok());
  const auto long_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours(5000);
  std::filesystem::last_write_time(file(), long_ago);
  PrefixCache loaded(decoder().pool, decoder().page_tokens);
  ASSERT_TRUE(load_prefixes(file(), decoder(), loaded).ok());
  EXPECT_GT(std::filesystem::last_write_time(file()), long_ago);
}

// A server that starts again answers the same, without computing the prompt again.
TEST_F(PrefixFile, OutlivesTheServer) {
  SystemClock clock;
  Request request{.model = "m", .prompt = tokens_};
  request.options.max_tokens = 8;
  request.options.sampling.temperature = 0;
  std::vector<std::string> warnings;
  const auto serve = [&] {
    ServedModel served{.name = "m", .path = path_, .load = options_};
    ModelPool pool({served}, clock, {});
    SchedulerOptions options{.verify = true};
    options.prompt_cache_folder = folder_.path();
    options.warn = [&](const Error& error) { warnings.push_back(error.message); };
    Scheduler scheduler(pool, clock, options);
    const auto receiver = std::make_shared<test::Receiver>();
    EXPECT_TRUE(scheduler.submit(request, receiver).ok());
    while (!receiver->has_ended) {
      if (!scheduler.step()) std::this_thread::yield();
    }
    return receiver;
  };
  const std::string old = folder_.add("prompts-0123456789abcdef.kv", "of a model that is gone");
  std::filesystem::last_write_time(
      old, std::filesystem::file_time_type::clock::now() - std::chrono::hours(24 * 31));
  const auto first = serve(), second = serve();
  EXPECT_FALSE(std::filesystem::exists(old));
  EXPECT_TRUE(warnings.empty()) << warnings[0];
  EXPECT_EQ(first->started->cached_tokens, 0);
  EXPECT_GT(second->started->cached_tokens, 0);
  EXPECT_EQ(second->tokens, first->tokens);
  const std::string path = prefix_path(folder_.path(), decoder());
  std::filesystem::resize_file(path, 100);
  EXPECT_EQ(serve()->tokens, first->tokens);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find(path), std::string::npos);
}

}  // namespace
}  // namespace verge::serve
