#include <cmath>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/stages/serve/collab/collab.pb.h>
#include <verge/stages/serve/collab/protocol.hpp>

namespace verge::serve {
namespace {

const CollabLimits kLimits = {.width = 4, .vocab = 100, .context = 64, .codecs = {"f32", "int8"}};

PackedTensor packed(int64_t tokens, int64_t width = 4, const std::string& codec = "f32") {
  std::vector<std::byte> data(static_cast<size_t>(tokens * width * 4));
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 7);
  return {codec, {tokens, width}, data};
}

HelloMessage good_hello() {
  return {.split = {.model_hash = "m",
                    .tokenizer_hash = "t",
                    .exit1 = 2,
                    .exit2 = 4,
                    .layers = 6,
                    .width = 4},
          .codecs = {"f16", "int8"},
          .session = "s",
          .wants_tokens = true};
}

template <typename Typed>
Typed round_trip(const Typed& typed) {
  const auto read = read_message(to_message(typed), kLimits);
  EXPECT_TRUE(read.ok()) << read.error().message;
  if (!read.ok() || !*read) return {};
  const Typed* same = std::get_if<Typed>(&**read);
  EXPECT_NE(same, nullptr);
  return same ? *same : Typed();
}

std::string refusal(const Message& message) {
  const auto read = read_message(message, kLimits);
  if (read.ok()) return "";
  EXPECT_EQ(read.error().code, Code::Malformed);
  return read.error().message;
}

TEST(Protocol, SmallMessagesArriveAsTheyWere) {
  EXPECT_EQ(round_trip(good_hello()), good_hello());
  const AcceptMessage accept{"s", 120, 1 << 30, 17, {"int8"}};
  EXPECT_EQ(round_trip(accept), accept);
  const NackMessage nack{3, 9};
  EXPECT_EQ(round_trip(nack), nack);
  EXPECT_EQ(round_trip(ResumeMessage{5}), ResumeMessage{5});
  EXPECT_EQ(round_trip(CloseMessage()), CloseMessage());
  const TokensMessage tokens{60, {5, 99, 0}, {7, 5}};
  EXPECT_EQ(round_trip(tokens), tokens);
  EXPECT_EQ(round_trip(TokensMessage()), TokensMessage());
  const BusyMessage busy{7, 0.25, 3};
  EXPECT_EQ(round_trip(busy), busy);
  const TokenMessage token{7, 99, -0.5f, 0.125, 2, 5};
  EXPECT_EQ(round_trip(token), token);
  const TokenMessage silent{7, 0, std::nullopt, 0, 0};
  EXPECT_EQ(round_trip(silent), silent);
}

TEST(Protocol, StatesArriveBitForBit) {
  const StatesMessage states{60, packed(4), 64, {7, 58}};
  const StatesMessage read = round_trip(states);
  EXPECT_EQ(read.position, 60);
  EXPECT_EQ(read.tokens(), 4);
  EXPECT_EQ(read.prompt_end, 64);
  EXPECT_EQ(read.branch, (TextBranch{7, 58}));
  EXPECT_EQ(read.states.codec, "f32");
  EXPECT_EQ(read.states.data, states.states.data);
}

TEST(Protocol, ACodecThatIsAgreedWithCompressionNeedsNone) {
  CollabLimits limits = kLimits;
  limits.codecs = {"f32+zstd"};
  EXPECT_TRUE(read_message(to_message(StatesMessage{0, packed(1)}), limits).ok());
  EXPECT_FALSE(read_message(to_message(StatesMessage{0, packed(1, 4, "int8")}), limits).ok());
}

TEST(Protocol, AFinishBringsItsSampling) {
  FinishMessage finish{.position = 3, .deadline_s = 1.5, .want_logprob = true, .branch = {2, 4}};
  finish.sampling = {
      .temperature = 0.5f, .top_k = 3, .top_p = 0.5f, .min_p = 0.25f, .seed = 1ull << 63};
  const FinishMessage read = round_trip(finish);
  EXPECT_EQ(read.position, 3);
  EXPECT_EQ(read.deadline_s, 1.5);
  EXPECT_TRUE(read.want_logprob);
  EXPECT_EQ(read.branch, (TextBranch{2, 4}));
  EXPECT_EQ(read.sampling.temperature, 0.5f);
  EXPECT_EQ(read.sampling.top_k, 3);
  EXPECT_EQ(read.sampling.top_p, 0.5f);
  EXPECT_EQ(read.sampling.min_p, 0.25f);
  EXPECT_EQ(read.sampling.seed, 1ull << 63);
}

TEST(Protocol, APromptBringsItsTokens) {
  PromptMessage prompt{{5, 99, 0}, 61};
  prompt.sampling = {.temperature = 0, .seed = 3};
  const PromptMessage read = round_trip(prompt);
  EXPECT_EQ(read.tokens, prompt.tokens);
  EXPECT_EQ(read.most_tokens, 61);
  EXPECT_EQ(read.sampling.temperature, 0);
  EXPECT_EQ(read.sampling.seed, 3u);
}

TEST(Protocol, ErrorsKeepTheirCode) {
  for (int code = 0; code <= static_cast<int>(Code::Internal); ++code) {
    const FailureMessage read = round_trip(FailureMessage{{static_cast<Code>(code), "why"}});
    EXPECT_EQ(read.error.code, static_cast<Code>(code));
    EXPECT_EQ(read.error.message, "why");
  }
}

TEST(Protocol, UnknownKindsAndFieldsArePassedOver) {
  const auto read = read_message({.kind = 77, .body = "anything", .tensors = {}}, kLimits);
  ASSERT_TRUE(read.ok());
  EXPECT_FALSE(read->has_value());
  Message newer = to_message(NackMessage{3, 9});
  newer.body += std::string("\xfa\x01\x02hi", 5);  // field 31, two bytes
  const auto nack = read_message(newer, kLimits);
  ASSERT_TRUE(nack.ok());
  EXPECT_EQ(std::get<NackMessage>(**nack), (NackMessage{3, 9}));
}

struct Refused {
  CollabMessage message;
  const char* why;
};

TEST(Protocol, WhatIsBeyondTheLimitsIsRefusedByItsField) {
  HelloMessage nameless = good_hello(), flat = good_hello(), mute = good_hello();
  nameless.session = "";
  flat.split.exit1 = 0;
  mute.codecs.clear();
  FinishMessage hot;
  hot.sampling.temperature = std::nanf("");
  const float kNan = std::nanf("");
  const Refused cases[] = {
      {nameless, "hello: session is 0 bytes; it must be 1 to 128"},
      {flat, "hello: exit1 is 0; it must be 1 to 4096"},
      {mute, "hello: codecs is 0; it must be 1 to 32"},
      {AcceptMessage{"s", -1, 0, 0, {"f32"}},
       "accept: lease_s is -1; it must be a number from 0 on"},
      {AcceptMessage{"s", INFINITY, 0, 0, {"f32"}}, "accept: lease_s is inf"},
      {AcceptMessage{"s", 1, 0, 65, {"f32"}}, "accept: held is 65; it must be 0 to 64"},
      {StatesMessage{-1, packed(1)}, "states: position is -1; it must be 0 to 63"},
      {StatesMessage{61, packed(4)}, "states: shape is [4, 4]; it must be [1 to 3, 4]"},
      {StatesMessage{0, packed(1, 5)}, "states: shape is [1, 5]"},
      {StatesMessage{0, packed(1, 4, "q9")}, "states: codec is q9; it must be one of those agreed"},
      {StatesMessage{0, packed(4), 3}, "states: prompt_end is 3; it must be 4 to 64"},
      {FinishMessage{.position = 64}, "finish: position is 64; it must be 0 to 63"},
      {FinishMessage{.position = 3, .branch = {-1, 0}}, "finish: branch is -1; it must be 0 to"},
      {FinishMessage{.position = 3, .branch = {1, 65}},
       "finish: branch_from is 65; it must be 0 to 64"},
      {FinishMessage{.position = 3, .branch = {0, 2}},
       "finish: branch_from is 2; it must be 0 to 0"},
      {StatesMessage{0, packed(1), 0, {1, -1}}, "states: branch_from is -1; it must be 0 to 64"},
      {TokenMessage{.position = 0, .id = 1, .branch = -1}, "token: branch is -1"},
      {BusyMessage{0, 1, -1}, "busy: branch is -1"},
      {hot, "finish: sampler: temperature is nan"},
      {TokenMessage{0, 100}, "token: id is 100; it must be 0 to 99"},
      {TokenMessage{0, -1}, "token: id is -1"},
      {TokenMessage{0, 1, kNan}, "token: logprob is nan; it must be at most 0"},
      {NackMessage{5, 5}, "nack: to is 5; it must be 6 to 64"},
      {NackMessage{5, 65}, "nack: to is 65"},
      {ResumeMessage{65}, "resume: from is 65; it must be 0 to 64"},
      {PromptMessage{{}, 5}, "prompt: tokens is 0; it must be 1 to 63"},
      {PromptMessage{{100}, 5}, "prompt: a token is 100; it must be 0 to 99"},
      {PromptMessage{{5, 6}, 63}, "prompt: most_tokens is 63; it must be 1 to 62"},
      {TokensMessage{65, {}}, "tokens: position is 65; it must be 0 to 64"},
      {TokensMessage{62, {1, 2, 3}}, "tokens: ids is 3; it must be 0 to 2"},
      {TokensMessage{0, {100}}, "tokens: an id is 100; it must be 0 to 99"},
      {TokensMessage{0, {-1}}, "tokens: an id is -1"},
      {BusyMessage{64, 1}, "busy: position is 64"},
  };
  for (const Refused& refused : cases) {
    const std::string found = refusal(to_message(refused.message));
    EXPECT_TRUE(found.starts_with(refused.why)) << found << " instead of " << refused.why;
  }
}

TEST(Protocol, DamagedStatesAreRefused) {
  Message message = to_message(StatesMessage{0, packed(2)});
  message.tensors[0].data[5] ^= std::byte{1};
  EXPECT_TRUE(refusal(message).starts_with("states: checksum is"));
  message.tensors.clear();
  EXPECT_EQ(refusal(message), "states: tensors is 0; it must be 1");
}

TEST(Protocol, NoBytesCrashTheReader) {
  Rng rng(5);
  const Message whole = to_message(good_hello());
  for (size_t length = 0; length < whole.body.size(); ++length) {
    (void)read_message({whole.kind, whole.body.substr(0, length), {}}, kLimits).ok();
  }
  for (int round = 0; round < 2000; ++round) {
    Message message{rng.below(14), std::string(rng.below(40), '\0'), {}};
    for (char& c : message.body) c = static_cast<char>(rng.next());
    (void)read_message(message, kLimits).ok();
  }
  EXPECT_EQ(refusal({whole.kind, "\xff\xff", {}}),
            "a message of kind 1: its 2 bytes are no verge.serve.wire.Hello");
}

TEST(Protocol, AnotherVersionIsReadAsItsNumberAlone) {
  wire::Hello body;
  body.set_version(9);
  body.set_exit1(-5);
  const auto read = read_message({1, body.SerializeAsString(), {}}, kLimits);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(std::get<HelloMessage>(**read).split.version, 9u);
}

TEST(Protocol, ADifferenceIsNamed) {
  const SplitIdentity server = good_hello().split;
  EXPECT_TRUE(check_same_split(server, server).ok());
  const auto why = [&](auto change) {
    SplitIdentity device = server;
    change(device);
    const Status status = check_same_split(device, server);
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, Code::Conflict);
    return status.error().message;
  };
  EXPECT_EQ(why([](auto& s) { s.version = 1; }),
            "the device speaks version 1 of the protocol, the server 2; update the older of them");
  EXPECT_EQ(why([](auto& s) { s.model_hash = "x"; }),
            "the device's model is x, the server's m; give both the halves of one split");
  EXPECT_TRUE(why([](auto& s) { s.tokenizer_hash = "x"; }).starts_with("the device's tokenizer"));
  EXPECT_TRUE(why([](auto& s) { s.exit1 = 1; }).starts_with("the device's first exit is 1"));
  EXPECT_TRUE(why([](auto& s) { s.exit2 = 5; }).starts_with("the device's second exit is 5"));
  EXPECT_TRUE(why([](auto& s) { s.layers = 5; }).starts_with("the device's number of layers"));
  EXPECT_TRUE(why([](auto& s) { s.width = 8; }).starts_with("the device's width is 8"));
}

TEST(Protocol, TheDevicesOrderOfCodecsCounts) {
  const std::vector<std::string> offered = {"int4", "f16", "q9"}, known = {"f32", "f16", "int4"};
  const auto common = common_codecs(offered, known);
  ASSERT_TRUE(common.ok());
  EXPECT_EQ(*common, (std::vector<std::string>{"int4", "f16"}));
  const std::vector<std::string> strange = {"q9"};
  const auto none = common_codecs(strange, known);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().message,
            "the device offers the codecs q9, the server reads f32, f16, int4");
}

}  // namespace
}  // namespace verge::serve
