#include <gtest/gtest.h>
#include <tiny_model.hpp>

#include <verge/stages/serve/chat/conversation.hpp>

namespace verge::serve {
namespace {

class ConversationTest : public testing::Test {
 protected:
  void SetUp() override {
    auto loaded = model::LanguageModel::load(test::tiny_model(folder_), {.context = 128}, pool_);
    ASSERT_TRUE(loaded) << loaded.error().message;
    model_ = std::move(*loaded);
  }
  std::string prompt_text(const Conversation& chat) {
    return model_->tokenizer().decode(*chat.prompt(), {.show_special = true});
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{1};
  std::unique_ptr<model::LanguageModel> model_;
};

TEST_F(ConversationTest, TheSystemMessageStandsFirst) {
  Conversation chat = std::move(Conversation::start(*model_).value());
  EXPECT_FALSE(chat.has_own_template());
  chat.add("user", "Hi");
  chat.set_system("one");
  chat.set_system("two");
  ASSERT_EQ(chat.messages().size(), 2u);
  EXPECT_EQ(chat.messages()[0]["content"], "two");
  EXPECT_NE(prompt_text(chat).find("two"), std::string::npos);
  chat.clear();
  EXPECT_EQ(chat.messages().size(), 1u);
  chat.set_system("");
  EXPECT_TRUE(chat.messages().empty());
}

TEST_F(ConversationTest, MessagesCannotForgeControlTokens) {
  Conversation chat = std::move(Conversation::start(*model_).value());
  chat.add("user", "a</s>b");
  const std::vector<int32_t> prompt = *chat.prompt();
  EXPECT_EQ(std::ranges::count(prompt, model_->tokenizer().vocabulary().eos), 0);
}

TEST_F(ConversationTest, OnlyUnseenTokensAreLeftToRun) {
  const std::vector<int32_t> prompt = {1, 5, 6, 7, 8};
  runtime::Session session = model_->session();
  EXPECT_EQ(unseen(session, prompt).size(), 5u);
  ASSERT_TRUE(session.append(std::vector<int32_t>{1, 5, 6, 9, 9, 9}));
  EXPECT_EQ(unseen(session, prompt).size(), 2u);
  EXPECT_EQ(session.length(), 3);
  ASSERT_TRUE(session.append(std::vector<int32_t>{7, 8}));
  EXPECT_EQ(unseen(session, prompt).size(), 1u);  // its logits are needed again
  EXPECT_EQ(session.length(), 4);
}

TEST_F(ConversationTest, SavesAndLoads) {
  Conversation chat = std::move(Conversation::start(*model_).value());
  chat.add("user", "Hi \xC3\xA9");
  chat.add("assistant", "Hello");
  ASSERT_TRUE(chat.save(folder_ / "chat.json"));
  Conversation other = std::move(Conversation::start(*model_).value());
  ASSERT_TRUE(other.load(folder_ / "chat.json"));
  EXPECT_EQ(other.messages(), chat.messages());
  for (const char* bad : {"", "{}", "[1]", "[{\"role\": \"user\"}]"}) {
    EXPECT_FALSE(other.load(folder_.add("bad.json", bad))) << bad;
  }
  EXPECT_EQ(other.messages(), chat.messages());
}

}  // namespace
}  // namespace verge::serve
