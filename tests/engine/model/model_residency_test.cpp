// Below a ceiling a model gives the same bits as without, whatever of it is streamed; and says what
// is wrong when it cannot.

#include <chrono>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <verge/core/clock.hpp>
#include <verge/engine/model/model_residency.hpp>
#include <verge/engine/runtime/step.hpp>

#include "paths.hpp"
#include "tiny_models.hpp"

namespace verge::model {
namespace {

using namespace std::chrono_literals;
using runtime::Session;

LoadOptions options_of(int64_t memory_bytes = 0) {
  LoadOptions options = test::all_logits_options();
  options.max_sequences = 3;
  options.kv_tokens = 512;
  options.memory_bytes = memory_bytes;
  return options;
}

// The least ceiling and one at which all fits, to some KiB.
struct Ceilings {
  int64_t least, whole;
};
Ceilings ceilings_of(const std::string& path) {
  const auto source = format::ModelSource::open(path);
  const auto plan = [&](int64_t bytes) { return plan_memory_need(*source, options_of(bytes)); };
  const auto all = plan(int64_t{1} << 34);
  EXPECT_TRUE(all.ok()) << all.error().message;
  Ceilings found{0, all->total()};
  int64_t fits = found.whole;
  while (fits - found.least > 1024) {
    const int64_t middle = (fits + found.least) / 2;
    (plan(middle).ok() ? fits : found.least) = middle;
  }
  found.least = fits;
  return found;
}

// A prompt, tokens drawn one by one, a fork and a truncation, several sequences in one step.
std::vector<float> script(LanguageModel& model, int vocab) {
  const auto tokens = test::random_tokens(90, vocab);
  std::vector<float> all = test::logits_of(model, tokens, {70, 1});
  runtime::Decoder& decoder = model.decoder();
  runtime::Sequence a(decoder), b(decoder);
  const auto step = [&](std::span<const runtime::StepItem> items) {
    const Status status = run_step(decoder, items);
    EXPECT_TRUE(status.ok()) << status.error().message;
    for (int64_t row = 0; row < decoder.outputs; ++row) {
      const auto logits = runtime::step_logits(decoder, row);
      all.insert(all.end(), logits.begin(), logits.end());
    }
  };
  const std::span<const int32_t> text(tokens);
  const runtime::StepItem both[] = {{&a, text.first(40)}, {&b, text.subspan(9, 23)}};
  step(both);
  auto c = a.fork();
  EXPECT_TRUE(c.ok());
  a.truncate(33);
  const runtime::StepItem three[] = {
      {&a, text.subspan(50, 1)}, {&b, text.subspan(51, 1)}, {&*c, text.subspan(52, 1)}};
  step(three);
  step(std::span(three).first(1));
  return all;
}

void expect_same_bits_below_ceilings(const std::string& path, int vocab) {
  ThreadPool pool(2);
  const Ceilings ceilings = ceilings_of(path);
  std::vector<float> expected;
  {
    const auto whole = test::load_model(path, pool, options_of());
    expected = script(*whole, vocab);
    EXPECT_EQ(whole->stream(), nullptr);
  }
  for (const double part : {0.0, 0.3, 0.7, 1.0}) {
    const auto ceiling =
        ceilings.least +
        static_cast<int64_t>(part * static_cast<double>(ceilings.whole - ceilings.least));
    SCOPED_TRACE(fmt::format("{} of {} to {}", ceiling, ceilings.least, ceilings.whole));
    const auto model = test::load_model(path, pool, options_of(ceiling));
    ASSERT_NE(model, nullptr);
    EXPECT_EQ(model->stream() != nullptr, part < 1);
    const std::vector<float> got = script(*model, vocab);
    ASSERT_EQ(got.size(), expected.size());
    EXPECT_EQ(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)), 0);
    if (part == 0) {
      EXPECT_GT(model->stream()->totals().bytes, model->residency()->streamed_bytes);
    }
  }
}

class Families : public testing::TestWithParam<const char*> {};

TEST_P(Families, TheSameBitsBelowACeiling) {
  const test::TemporaryFolder folder;
  const build::RandomModelSpec spec = test::wide_spec(GetParam());
  for (const DType dtype : {DType::F32, DType::Q4_K}) {
    SCOPED_TRACE(name(dtype));
    expect_same_bits_below_ceilings(test::write_model(folder, spec, dtype),
                                    static_cast<int>(spec.vocab));
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Families,
                         testing::Values("tiny-llama", "tiny-mixtral", "tiny-qwen3moe",
                                         "tiny-qwen2", "tiny-gemma3", "tiny-phi3"),
                         [](const auto& each) {
                           std::string name = each.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(ModelResidency, TheShippedModelAnswersTheSame) {
  expect_same_bits_below_ceilings(test::source_file("models/verge-lm.gguf"), 300);
}

// Pages of the file in the page cache after it was emptied of it; all where that cannot be.
int64_t pages_left(const std::string& path) {
  const auto mapped = MappedFile::open(path);
  const int file = ::open(path.c_str(), O_RDONLY);
  ::fsync(file);
  ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  ::close(file);
  std::vector<unsigned char> resident((mapped->size() + 4095) / 4096);
  void* begin = const_cast<std::byte*>(mapped->bytes().data());
  if (::mincore(begin, mapped->size(), resident.data()) != 0) return INT64_MAX;
  return std::ranges::count_if(resident, [](unsigned char page) { return page & 1; });
}

int64_t waits_for_pages() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_majflt;
}

class Below : public testing::Test {
 protected:
  std::unique_ptr<LanguageModel> at_least() {
    return test::load_model(path_, pool_, options_of(ceilings_.least));
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{2};
  std::string path_ = test::write_model(folder_, test::wide_spec("tiny-llama"));
  Ceilings ceilings_ = ceilings_of(path_);
};

TEST_F(Below, TheLeastIsNamed) {
  const auto refused = LanguageModel::load(path_, options_of(ceilings_.least - 2048), pool_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::OutOfMemory);
  EXPECT_TRUE(refused.error().message.starts_with(path_ + ": a ceiling of "))
      << refused.error().message;
}

TEST_F(Below, NoMoreIsPinnedThanPlanned) {
  const auto model = at_least();
  const runtime::Residency& residency = *model->residency();
  EXPECT_LE(model->weights_bytes(), residency.pinned_bytes);
  EXPECT_LE(residency.total(), ceilings_.least);
  EXPECT_GT(residency.streamed_bytes, 0);
}

// What is read ahead at the end of one run is the beginning of the next, of prefill and decode.
TEST_F(Below, NothingIsReadTwiceBetweenPromptAndAnswer) {
  const auto model = at_least();
  Session session = model->session();
  ASSERT_TRUE(session.append(test::random_tokens(40, 512)));
  const int64_t once = model->residency()->streamed_bytes;
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(session.append(test::random_tokens(1, 512)));
  const runtime::StreamWindow& window = model->stream()->window();
  EXPECT_GE(model->stream()->totals().bytes, 5 * once);
  EXPECT_LE(model->stream()->totals().bytes, 5 * once + window.slots * window.piece_bytes);
}

// A ceiling that all fits below must not cost the reading ahead of a plain load.
TEST_F(Below, AColdFileIsReadAhead) {
  const auto pages = static_cast<int64_t>(std::filesystem::file_size(path_) / 4096);
  if (pages_left(path_) > 0) GTEST_SKIP() << "what is cached of files here cannot be dropped";
  const int64_t before = waits_for_pages();
  const auto model = test::load_model(path_, pool_, options_of(int64_t{1} << 34));
  EXPECT_EQ(model->stream(), nullptr);
  EXPECT_LE(waits_for_pages() - before, pages / 4) << "of " << pages;
}

TEST_F(Below, AFileThatIsReplacedWhileItStreamsChangesNothing) {
  const auto model = at_least();
  const auto tokens = test::random_tokens(30, 512);
  const auto before = test::logits_of(*model, tokens, {30});
  const std::string other = folder_ / "other.gguf";
  std::filesystem::copy_file(path_, other);
  std::filesystem::resize_file(other, std::filesystem::file_size(other) / 2);
  std::filesystem::rename(other, path_);
  EXPECT_EQ(test::logits_of(*model, tokens, {30}), before);
}

TEST_F(Below, AFileThatIsCutOffEndsTheAnswerAndNoMore) {
  const auto model = at_least();
  Session session = model->session();
  const auto tokens = test::random_tokens(30, 512);
  ASSERT_TRUE(session.append(tokens));
  const std::string copy = folder_ / "copy.gguf";
  std::filesystem::copy_file(path_, copy);
  const auto size = std::filesystem::file_size(path_);
  ASSERT_EQ(::truncate(path_.c_str(), static_cast<off_t>(size / 3)), 0);
  Status status;
  for (int i = 0; i < 3 && status; ++i) status = session.append(std::span(tokens).first(1));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::Io);
  EXPECT_NE(status.error().message.find("cut off"), std::string::npos) << status.error().message;
  const int64_t length = session.length();
  // Written anew, the file may be another model's: it has to be loaded again.
  std::filesystem::copy_file(copy, path_, std::filesystem::copy_options::overwrite_existing);
  std::filesystem::last_write_time(path_, std::filesystem::last_write_time(copy) + 1s);
  status = session.append(std::span(tokens).first(1));
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("changed"), std::string::npos) << status.error().message;
  EXPECT_EQ(session.length(), length);
}

TEST_F(Below, AdditionalProgramsKeepTheCeiling) {
  const auto model = at_least();
  const Status status = model->prepare_hidden();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::OutOfMemory);
  const auto roomy = test::load_model(path_, pool_, options_of(int64_t{1} << 34));
  EXPECT_TRUE(roomy->prepare_hidden().ok());
}

TEST_F(Below, RoomForEmbeddingsIsKeptWhereThereIs) {
  LoadOptions options = options_of((ceilings_.least + 3 * ceilings_.whole) / 4);
  const auto tight = test::load_model(path_, pool_, options);
  EXPECT_FALSE(tight->prepare_hidden().ok()) << "else this shows nothing";
  options.embeds = true;
  const auto roomy = test::load_model(path_, pool_, options);
  EXPECT_TRUE(roomy->prepare_hidden().ok());
  EXPECT_GT(roomy->residency()->streamed_bytes, tight->residency()->streamed_bytes);
  EXPECT_LE(roomy->residency()->total(), options.memory_bytes);
  options.memory_bytes = ceilings_.least;
  EXPECT_FALSE(test::load_model(path_, pool_, options)->prepare_hidden().ok());
}

// Just above the model's own size, the room is what makes it stream.
TEST_F(Below, RoomForEmbeddingsIsKeptAlsoWhereAllElseFits) {
  LoadOptions options = options_of(ceilings_.whole);
  options.embeds = true;
  for (const int64_t more : {0, 1 << 10, 64 << 10}) {
    options.memory_bytes = ceilings_.whole + more;
    const auto model = test::load_model(path_, pool_, options);
    const Status status = model->prepare_hidden();
    EXPECT_TRUE(status.ok()) << more << ": " << status.error().message;
  }
}

TEST_F(Below, TheStorageHasARate) {
  const auto rate = storage_rate(*format::ModelSource::open(path_), SystemClock());
  ASSERT_TRUE(rate.ok());
  EXPECT_GT(*rate, 0);
}

}  // namespace
}  // namespace verge::model
