// Messages there and back; the generated parser as oracle; and everything a hostile peer can write.

#include <string>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/platform/net/codec/message.pb.h>
#include <verge/platform/net/codec/message_codec.hpp>

namespace verge::net {
namespace {

void expect_same_message(const Message& a, const Message& b) {
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.body, b.body);
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (size_t i = 0; i < a.tensors.size(); ++i) {
    EXPECT_EQ(a.tensors[i].codec, b.tensors[i].codec);
    EXPECT_EQ(a.tensors[i].shape, b.tensors[i].shape);
    EXPECT_EQ(a.tensors[i].data, b.tensors[i].data);
  }
}

Message random_message(Rng& rng) {
  Message message{.kind = rng.next() >> rng.below(32), .body = {}, .tensors = {}};
  message.body.resize(rng.below(3) * rng.below(200));
  for (char& letter : message.body) letter = static_cast<char>(rng.next());
  for (uint32_t i = rng.below(4); i > 0; --i) {
    PackedTensor tensor{.codec = rng.below(2) == 0 ? "int8" : "", .shape = {}, .data = {}};
    std::vector<int64_t> extents(rng.below(7));
    for (int64_t& extent : extents) {
      extent = static_cast<int64_t>(uint64_t{rng.next()} << rng.below(33));
    }
    tensor.shape = Shape(std::span<const int64_t>(extents));
    tensor.data.resize(rng.below(3) * rng.below(20000));
    for (std::byte& byte : tensor.data) byte = static_cast<std::byte>(rng.next());
    message.tensors.push_back(std::move(tensor));
  }
  return message;
}

TEST(MessageCodec, MessagesComeBackAndTheirBytesAreKnown) {
  Rng rng(1);
  for (int i = 0; i < 300; ++i) {
    const Message message = random_message(rng);
    const auto bytes = serialize_message(message);
    ASSERT_TRUE(bytes);
    EXPECT_EQ(wire_bytes(message), static_cast<int64_t>(bytes->size()));
    const auto back = parse_message(*bytes);
    ASSERT_TRUE(back) << back.error().message;
    expect_same_message(message, *back);
  }
}

TEST(MessageCodec, AnEmptyMessageIsNoBytes) {
  EXPECT_EQ(*serialize_message({}), "");
  const auto back = parse_message("");
  ASSERT_TRUE(back);
  expect_same_message({}, *back);
}

TEST(MessageCodec, FieldsOfLaterVersionsArePassedOver) {
  const Message message{.kind = 7, .body = "text", .tensors = {{"f32", {1, 2}, {}}}};
  // Fields 99: a number, a text, 8 bytes and 4 bytes.
  std::string later = *serialize_message(message);
  later += std::string("\x98\x06\x05", 3) + std::string("\x9a\x06\x02hi", 5) +
           std::string(
               "\x99\x06"
               "12345678",
               10) +
           std::string(
               "\x9d\x06"
               "1234",
               6);
  const auto back = parse_message(later);
  ASSERT_TRUE(back) << back.error().message;
  expect_same_message(message, *back);
}

void expect_message_refused(std::string_view bytes, Code code, std::string_view part,
                            const MessageLimits& limits = {}) {
  const auto message = parse_message(bytes, limits);
  ASSERT_FALSE(message) << part;
  EXPECT_EQ(message.error().code, code);
  EXPECT_NE(message.error().message.find(part), std::string::npos) << message.error().message;
}

TEST(MessageCodec, EveryCutOfAMessageIsAMessageOrRefused) {
  Rng rng(2);
  const Message message{.kind = 300, .body = "body", .tensors = {{"int8", {1, 64}, {}}}};
  const std::string bytes = *serialize_message(message);
  int refused = 0;
  for (size_t length = 0; length < bytes.size(); ++length) {
    refused += parse_message(std::string_view(bytes).substr(0, length)) ? 0 : 1;
  }
  EXPECT_GE(refused, static_cast<int>(bytes.size()) - 4);  // between fields it is a shorter one
  for (int i = 0; i < 2000; ++i) {
    std::string broken = bytes;
    broken[rng.below(static_cast<uint32_t>(broken.size()))] ^=
        static_cast<char>(1 + rng.below(255));
    const auto read = parse_message(broken);
    if (!read) {
      EXPECT_EQ(read.error().code, Code::Malformed);
    }
  }
}

TEST(MessageCodec, LimitsHold) {
  Message message{.kind = 1, .body = std::string(1000, 'x'), .tensors = {}};
  const std::string bytes = *serialize_message(message);
  const auto size = static_cast<int64_t>(bytes.size());
  EXPECT_TRUE(parse_message(bytes, {.bytes = size}));
  expect_message_refused(bytes, Code::Unsupported, "a peer's message has", {.bytes = size - 1});
  EXPECT_EQ(serialize_message(message, {.bytes = size - 1}).error().code, Code::InvalidArgument);
  message.tensors.resize(3);
  EXPECT_TRUE(parse_message(*serialize_message(message), {.tensors = 3}));
  expect_message_refused(*serialize_message(message), Code::Malformed, "more than 2 tensors",
                         {.tensors = 2});
  EXPECT_EQ(serialize_message(message, {.tensors = 2}).error().code, Code::InvalidArgument);
}

// Few bytes that a parser would keep as many objects.
TEST(MessageCodec, FloodsAreRefused) {
  std::string tensors, numbers, extents;
  for (int i = 0; i < 100000; ++i) {
    tensors += std::string("\x1a\0", 2);
    numbers += "\x98\x06\x05";
  }
  expect_message_refused(tensors, Code::Malformed, "more than 64 tensors");
  expect_message_refused(numbers, Code::Malformed, "more than 16 fields");
  codec::Envelope inner;
  for (int i = 0; i < 7; ++i) inner.add_tensors()->add_extents(1);
  EXPECT_TRUE(parse_message(inner.SerializeAsString()));
  for (int i = 0; i < 6; ++i) inner.mutable_tensors(0)->add_extents(i);
  expect_message_refused(inner.SerializeAsString(), Code::Malformed, "7 extents, not up to 6");
  for (int i = 0; i < 100000; ++i) inner.mutable_tensors(0)->add_extents(i);
  expect_message_refused(inner.SerializeAsString(), Code::Malformed, "more than 6 extents");
  for (int i = 0; i < 100; ++i) extents += std::string("\x10\x01", 2);  // one by one
  expect_message_refused(std::string("\x1a\xc8\x01", 3) + extents, Code::Malformed,
                         "more than 16 fields of a tensor");
}

TEST(MessageCodec, WhatIsNoMessageIsRefused) {
  for (const std::string& bytes :
       {std::string(1, '\0'), std::string("\xff\xff\xff", 3), std::string("\x0b\x0c", 2),
        std::string("\x12\x05"
                    "abc",
                    5),
        std::string("\x1a\xff\xff\xff\xff\x0f", 6), std::string("\x1a\x02\x0b\x0c", 4),
        std::string("\x0c", 1),
        std::string("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12)}) {
    expect_message_refused(bytes, Code::Malformed, "breaks its encoding");
  }
}

// What others write in another order or form is the same message.
TEST(MessageCodec, OtherFormsOfAMessageAreRead) {
  const std::string bytes =
      std::string("\x1a\x06\x10\x02\x10\x03\x1a\x00", 8) +  // extents one by one, no data
      std::string(
          "\x12\x01"
          "a",
          3) +
      std::string(
          "\x12\x01"
          "b",
          3) +
      std::string("\x08\x09", 2);
  const auto message = parse_message(bytes);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(message->kind, 9u);
  EXPECT_EQ(message->body, "b");
  ASSERT_EQ(message->tensors.size(), 1u);
  EXPECT_EQ(message->tensors[0].shape, (Shape{2, 3}));
}

}  // namespace
}  // namespace verge::net
