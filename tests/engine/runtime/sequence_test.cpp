#include <cstring>

#include <verge/engine/runtime/sequence.hpp>

#include "tiny_models.hpp"

namespace verge::runtime {
namespace {

// Four pages of 32 tokens that sequences of at most 96 share.
class SequenceTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = test::write_model(folder_, test::tiny_spec("tiny-llama"));
    model_ = test::load_model(path_, pool_, {.context = 96, .kv_tokens = 128});
    ASSERT_NE(model_, nullptr);
    tokens_ = test::random_tokens(96, 512);
  }

  Decoder& decoder() { return model_->decoder(); }
  int32_t free_pages() { return decoder().pool.free_pages(); }
  // A sequence whose pages hold bytes of its own.
  Sequence filled(int64_t length, int seed) {
    Sequence sequence(decoder());
    EXPECT_TRUE(sequence.reserve(length).ok());
    sequence.extend(std::span(tokens_).first(static_cast<size_t>(length)));
    for (const int32_t page : sequence.pages()) {
      for (int64_t layer = 0; layer < decoder().layers; ++layer) {
        const auto bytes = page_bytes(decoder(), layer, page);
        std::memset(bytes.data(), seed + page + static_cast<int>(layer), bytes.size());
      }
    }
    return sequence;
  }
  std::vector<std::byte> content(const Sequence& sequence) {
    std::vector<std::byte> all;
    for (int64_t layer = 0; layer < decoder().layers; ++layer) {
      for (const int32_t page : sequence.pages()) {
        const auto bytes = page_bytes(decoder(), layer, page);
        all.insert(all.end(), bytes.begin(), bytes.end());
      }
    }
    return all;
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{1};
  std::string path_;
  std::unique_ptr<model::LanguageModel> model_;
  std::vector<int32_t> tokens_;
};

TEST_F(SequenceTest, ReservesAllOrNothing) {
  Sequence a(decoder()), b(decoder());
  ASSERT_TRUE(a.reserve(65).ok());
  EXPECT_EQ(free_pages(), 1);
  EXPECT_EQ(b.reserve(33).error().code, Code::OutOfMemory);
  EXPECT_EQ(b.reserve(97).error().code, Code::InvalidArgument);
  EXPECT_EQ(free_pages(), 1);
  ASSERT_TRUE(b.reserve(32).ok());
  EXPECT_EQ(free_pages(), 0);
  a.truncate(0);
  EXPECT_EQ(free_pages(), 3);
  { const Sequence gone = std::move(b); }
  EXPECT_EQ(free_pages(), 4);
}

TEST_F(SequenceTest, AForkSharesFullPagesOnly) {
  Sequence a = filled(40, 1);
  ASSERT_TRUE(a.reserve(70).ok());
  auto b = a.fork();
  ASSERT_TRUE(b.ok());
  EXPECT_EQ(b->tokens(), a.tokens());
  ASSERT_EQ(b->pages().size(), 2u);
  EXPECT_EQ(b->pages()[0], a.pages()[0]);
  EXPECT_NE(b->pages()[1], a.pages()[1]);
  EXPECT_EQ(free_pages(), 0);
  EXPECT_EQ(a.fork().error().code, Code::OutOfMemory);
  a.truncate(0);
  EXPECT_EQ(free_pages(), 2);
}

TEST_F(SequenceTest, WritesOnlyToPagesOfItsOwn) {
  Sequence a = filled(64, 1);
  auto b = a.fork();
  ASSERT_TRUE(b.ok());
  b->truncate(50);
  ASSERT_TRUE(b->reserve(51).ok());
  EXPECT_EQ(b->pages()[0], a.pages()[0]);
  EXPECT_NE(b->pages()[1], a.pages()[1]);
  EXPECT_EQ(content(*b).size(), content(a).size());
  EXPECT_EQ(content(*b), content(a));
}

TEST_F(SequenceTest, AdoptsWhatOthersFilled) {
  Sequence a = filled(64, 1), b(decoder());
  b.adopt(std::span(a.tokens()).first(32), a.pages().first(1));
  EXPECT_EQ(b.length(), 32);
  EXPECT_EQ(free_pages(), 2);
  a.truncate(0);
  EXPECT_EQ(free_pages(), 3);
  b.truncate(0);
  EXPECT_EQ(free_pages(), 4);
  EXPECT_THROW(b.adopt(std::span(tokens_).first(31), std::vector<int32_t>{0}), InternalError);
}

TEST_F(SequenceTest, ComesBackBitForBit) {
  constexpr std::string_view kMagic = "SEQUENCE";
  const std::string path = folder_ / "sequence";
  const Sequence a = filled(40, 5);
  auto file = AtomicFile::create(path);
  ASSERT_TRUE(file.ok());
  CheckedWriter writer(std::move(*file), kMagic);
  a.write(writer);
  ASSERT_TRUE(writer.finish().ok());
  const auto mapped = MappedFile::open(path);
  ASSERT_TRUE(mapped.ok());
  const auto stored = checked_content(*mapped, kMagic);
  ASSERT_TRUE(stored.ok());
  Sequence b(decoder());
  for (const size_t cut : {size_t{4}, size_t{100}, stored->size() - 1}) {
    CheckedReader reader(stored->first(cut));
    EXPECT_EQ(b.read(reader).error().code, Code::Malformed);
    EXPECT_EQ(free_pages(), 2);
  }
  CheckedReader reader(*stored);
  ASSERT_TRUE(b.read(reader).ok());
  EXPECT_EQ(b.tokens(), a.tokens());
  EXPECT_EQ(content(b), content(a));
}

}  // namespace
}  // namespace verge::runtime
