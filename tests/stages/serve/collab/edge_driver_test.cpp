#include <set>

#include <eventually.hpp>

#include "collab_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

const char* const kPrompts[] = {"The king", "In the beginning of the year, the people of the city",
                                "O Romeo, Romeo! Wherefore"};

// A device with a link to a server of its own.
class EdgeDriverTest : public ::testing::Test {
 protected:
  std::unique_ptr<CloudLink> link_to(TestServer& server, const std::string& session = "s") {
    auto link = std::make_unique<CloudLink>(
        [&server]() -> Result<std::unique_ptr<Channel>> { return server.connect(); },
        hello_of(split(), session), limits_of(), CloudLinkOptions{.retry_s = 0.001});
    EXPECT_TRUE(test::eventually([&] { return link->is_up(); })) << link->status().error().message;
    return link;
  }
  std::unique_ptr<EdgeDriver> driver_of(EdgeOptions options, CloudLink* link) {
    auto driver = EdgeDriver::create(*SharedModels::get().edge, split(), options, clock_, link);
    EXPECT_TRUE(driver.ok()) << driver.error().message;
    return std::move(*driver);
  }
  static const SplitIdentity& split() { return SharedModels::get().split; }
  SystemClock clock_;
};

TEST_F(EdgeDriverTest, AThresholdOfOneIsTheWholeModelsText) {
  TestServer server(split(), clock_, 1024);
  for (const char* text : kPrompts) {
    const std::vector<int32_t> prompt = prompt_tokens(text);
    const std::vector<int32_t> expected = whole_text(prompt, 48);
    for (const char* codec : {"f32", "f16"}) {
      const auto link = link_to(server, fmt::format("{} {}", text, codec));
      const auto driver = driver_of(asking(codec), link.get());
      ASSERT_TRUE(driver->append(prompt).ok());
      const std::vector<CollabToken> tokens = generate(*driver, 48);
      EXPECT_EQ(ids_of(tokens), expected) << text << ", " << codec;
      EXPECT_EQ(driver->metrics().count(TokenPlace::Cloud), 48);
      EXPECT_EQ(driver->metrics().sent_again, 0);
      for (const CollabToken& token : tokens) EXPECT_EQ(token.reason, TokenReason::Asked);
    }
  }
}

TEST_F(EdgeDriverTest, ThresholdsDivideTheTextAndLeaveNoHoles) {
  TestServer server(split(), clock_, 1024);
  const std::vector<int32_t> prompt = prompt_tokens(kPrompts[1]);
  EdgeOptions options = asking("f32");
  options.policy.theta1 = options.policy.theta2 = 0.3;
  const auto link = link_to(server);
  const auto driver = driver_of(options, link.get());
  ASSERT_TRUE(driver->append(prompt).ok());
  const std::vector<CollabToken> tokens = generate(*driver, 100);
  WholeModel whole(prompt);
  std::set<TokenPlace> places;
  for (const CollabToken& token : tokens) {
    places.insert(token.place);
    // Given the same text, the server's tokens are the whole model's.
    EXPECT_TRUE(token.place != TokenPlace::Cloud || token.id == whole.next());
    whole.append(token.id);
    const double sure = token.place == TokenPlace::Exit1 ? token.confidence1 : token.confidence2;
    EXPECT_EQ(sure >= 0.3, token.place != TokenPlace::Cloud);
  }
  EXPECT_EQ(places.size(), 3u) << "the text must have tokens of all three places";
  const CollabMetrics& metrics = driver->metrics();
  EXPECT_EQ(metrics.all_tokens(), 100);
  EXPECT_EQ(metrics.asked, metrics.count(TokenPlace::Cloud));
  EXPECT_EQ(metrics.sent_again, 0);
  EXPECT_GT(metrics.bytes_up, 100 * split().width * 4);
}

TEST_F(EdgeDriverTest, StandaloneNeedsNoServer) {
  EdgeOptions options;
  options.policy = {.mode = CollabMode::Standalone, .theta1 = 1, .theta2 = 1};
  const std::vector<int32_t> prompt = prompt_tokens(kPrompts[0]);
  const auto driver = driver_of(options, nullptr);
  ASSERT_TRUE(driver->append(prompt).ok());
  const std::vector<CollabToken> tokens = generate(*driver, 40);
  runtime::Session lower = SharedModels::get().edge->session();
  ASSERT_TRUE(lower.append(prompt).ok());
  for (const CollabToken& token : tokens) {
    EXPECT_EQ(token.id, text::argmax(lower.logits()));
    EXPECT_EQ(token.place, TokenPlace::Exit2);
    ASSERT_TRUE(lower.append({&token.id, 1}).ok());
  }
  EXPECT_EQ(driver->metrics().bytes_up, 0);
}

TEST_F(EdgeDriverTest, SeededDrawsAreTheSameOnEitherMachine) {
  TestServer server(split(), clock_, 1024);
  const std::vector<int32_t> prompt = prompt_tokens(kPrompts[2]);
  EdgeOptions options = asking("f32");
  options.sampling = {.temperature = 0.9f, .top_k = 0, .seed = 42};
  options.want_logprobs = true;
  const auto link = link_to(server);
  const auto driver = driver_of(options, link.get());
  ASSERT_TRUE(driver->append(prompt).ok());
  const std::vector<CollabToken> tokens = generate(*driver, 40);
  EXPECT_EQ(ids_of(tokens), whole_text(prompt, 40, options.sampling));
  EXPECT_LT(tokens[0].logprob.value_or(1), 0);
}

TEST_F(EdgeDriverTest, TheNaiveBaseLineSaysTheSameAtFarGreaterCost) {
  TestServer server(split(), clock_, 1024);
  const std::vector<int32_t> prompt = prompt_tokens(kPrompts[1]);
  std::vector<int64_t> bytes_up, layer_tokens;
  for (const CollabMode mode : {CollabMode::Collab, CollabMode::Naive}) {
    const int64_t before = server.manager().snapshot().layer_tokens;
    const auto link = link_to(server, std::string(name(mode)));
    const auto driver = driver_of(asking("f32", mode), link.get());
    ASSERT_TRUE(driver->append(prompt).ok());
    EXPECT_EQ(ids_of(generate(*driver, 30)), whole_text(prompt, 30)) << name(mode);
    bytes_up.push_back(driver->metrics().bytes_up);
    const auto tokens = static_cast<int64_t>(prompt.size()) + 29;
    EXPECT_TRUE(test::eventually(
        [&] { return server.manager().snapshot().layer_tokens - before >= 4 * tokens; }));
    layer_tokens.push_back(server.manager().snapshot().layer_tokens - before);
  }
  const auto tokens = static_cast<int64_t>(prompt.size()) + 29;
  EXPECT_EQ(layer_tokens[0], 4 * tokens);  // each position once, in the four upper layers
  EXPECT_GT(layer_tokens[1], 10 * layer_tokens[0]);
  EXPECT_GT(bytes_up[1], 10 * bytes_up[0]);
}

TEST_F(EdgeDriverTest, OnlyStatesLeaveTheDevice) {
  TestServer server(split(), clock_, 1024);
  std::mutex mutex;
  std::vector<Message> sent;
  const auto watch = [&](const Message& message) {
    const std::lock_guard lock(mutex);
    if (!is_of(message, CollabKind::Accept) && !is_of(message, CollabKind::Token)) {
      sent.push_back(message);
    }
    return Fate::Passes;
  };
  const auto connect = [&]() -> Result<std::unique_ptr<Channel>> {
    return std::unique_ptr<Channel>(new WatchedChannel(server.connect(), watch));
  };
  {
    CloudLink link(connect, hello_of(split()), limits_of());
    ASSERT_TRUE(test::eventually([&] { return link.is_up(); }));
    EdgeOptions options = asking();
    options.policy.theta1 = options.policy.theta2 = 0.3;
    const auto driver = driver_of(options, &link);
    ASSERT_TRUE(driver->append(prompt_tokens(kPrompts[1])).ok());
    generate(*driver, 40);
  }
  CollabLimits limits = limits_of();
  limits.codecs = {"f16"};
  std::set<uint32_t> kinds;
  for (const Message& message : sent) {
    kinds.insert(message.kind);
    // Nothing travels but what the protocol's structs hold, none of which has a token's id.
    const auto read = read_message(message, limits);
    ASSERT_TRUE(read.ok() && *read);
    EXPECT_EQ(to_message(**read).body, message.body);
  }
  const auto kind = [](CollabKind k) { return static_cast<uint32_t>(k); };
  const std::set<uint32_t> allowed = {kind(CollabKind::Hello), kind(CollabKind::States),
                                      kind(CollabKind::Finish), kind(CollabKind::Close)};
  EXPECT_EQ(kinds, allowed);
}

TEST_F(EdgeDriverTest, AServerOfAnotherModelIsRefusedAndTheTextGoesOn) {
  SplitIdentity other = split();
  other.model_hash = "another";
  TestServer server(other, clock_, 1024);
  CloudLink link([&server]() -> Result<std::unique_ptr<Channel>> { return server.connect(); },
                 hello_of(split()), limits_of());
  ASSERT_TRUE(test::eventually([&] { return link.is_refused(); }));
  EXPECT_TRUE(link.status().error().message.starts_with("the device's model is "));
  const auto driver = driver_of(asking(), &link);
  ASSERT_TRUE(driver->append(prompt_tokens(kPrompts[0])).ok());
  for (const CollabToken& token : generate(*driver, 5)) {
    EXPECT_EQ(token.place, TokenPlace::Degraded);
    EXPECT_EQ(token.reason, TokenReason::LinkDown);
  }
}

TEST_F(EdgeDriverTest, BadOptionsAreRefused) {
  TestServer server(split(), clock_, 1024);
  const auto link = link_to(server);
  const auto why = [&](auto change) {
    EdgeOptions options = asking();
    change(options);
    const auto driver =
        EdgeDriver::create(*SharedModels::get().edge, split(), options, clock_, link.get());
    EXPECT_FALSE(driver.ok());
    return driver.ok() ? "" : driver.error().message;
  };
  EXPECT_EQ(why([](auto& o) { o.policy.theta1 = 1.5; }), "a threshold is 1.5; use 0 to 1");
  EXPECT_TRUE(why([](auto& o) { o.sampling.mirostat_tau = 1; }).starts_with("mirostat needs"));
}

}  // namespace
}  // namespace verge::serve
