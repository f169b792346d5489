#include <gtest/gtest.h>

#include <verge/platform/net/grpc/crc32c.hpp>
#include <verge/platform/net/grpc/frame.hpp>

#include "test_messages.hpp"

namespace verge::net {
namespace {

wire::Frame frame_of(uint64_t sequence, const Message& message) {
  return message_frame(sequence, make_payload(message).value());
}

FrameReader greeted_reader(int64_t message_bytes = 1 << 20) {
  FrameReader reader(message_bytes, "peer");
  EXPECT_TRUE(reader.read(hello_frame(1000)).ok());
  EXPECT_EQ(reader.peer_message_bytes(), 1000);
  return reader;
}

TEST(Frame, MessagesComeBackFromTheirBytes) {
  FrameReader reader = greeted_reader();
  uint64_t sequence = 1;
  for (const size_t bytes : {0u, 1u, 4096u}) {
    const Message message = test::tensor_message("body", bytes);
    wire::Frame read;
    ASSERT_TRUE(read.ParseFromString(frame_of(sequence++, message).SerializeAsString()));
    const auto again = reader.read(read);
    ASSERT_TRUE(again.ok()) << again.error().message;
    ASSERT_TRUE(again->has_value());
    test::expect_same(**again, message);
  }
  ASSERT_TRUE(reader.read(last_frame(sequence)).ok());
  EXPECT_TRUE(reader.has_ended());
  EXPECT_EQ(reader.read(frame_of(sequence + 1, {})).error().code, Code::Malformed);
}

TEST(Frame, OthersThanTheNextAreRefused) {
  const Message message = test::text_message("x");
  for (const uint64_t sequence : {0u, 1u, 2u, 4u}) {
    FrameReader reader = greeted_reader();
    ASSERT_TRUE(reader.read(frame_of(1, message)).ok());
    ASSERT_TRUE(reader.read(frame_of(2, message)).ok());
    const auto next = reader.read(frame_of(sequence, message));
    ASSERT_FALSE(next.ok());
    EXPECT_EQ(next.error().code, Code::Malformed);
    const char* const why = sequence < 3 ? "came again" : "in place of 3";
    EXPECT_NE(next.error().message.find(why), std::string::npos) << next.error().message;
  }
  FrameReader reader = greeted_reader();
  EXPECT_EQ(reader.read(hello_frame(1)).error().code, Code::Malformed);
}

// Flips every bit of a frame: what is still read is what was sent.
TEST(Frame, AnAlteredOneNeverBringsAnotherMessage) {
  const Message message = test::tensor_message("body", 40);
  const std::string bytes = frame_of(1, message).SerializeAsString();
  int refused = 0;
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string altered = bytes;
    altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << (bit % 8)));
    wire::Frame frame;
    FrameReader reader = greeted_reader();
    if (!frame.ParseFromString(altered)) continue;
    const auto read = reader.read(frame);
    if (read && *read) test::expect_same(**read, message);
    EXPECT_TRUE(!read || *read) << "bit " << bit;
    refused += read ? 0 : 1;
  }
  EXPECT_GT(refused, 400);
}

TEST(Frame, AnotherMajorVersionIsRefusedByBothNumbers) {
  FrameReader reader(100, "peer");
  wire::Frame hello = hello_frame(100);
  hello.mutable_hello()->set_major(9);
  hello.mutable_hello()->set_minor(4);
  const auto read = reader.read(hello);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, Code::Unsupported);
  EXPECT_NE(read.error().message.find("version 9.4"), std::string::npos);
  EXPECT_NE(read.error().message.find(fmt::format("{}.{}", kWireMajor, kWireMinor)),
            std::string::npos);
  hello.mutable_hello()->set_major(kWireMajor);
  EXPECT_TRUE(FrameReader(100, "peer").read(hello).ok());  // a newer minor one is understood
}

TEST(Frame, TheFirstMustBeAHello) {
  EXPECT_EQ(FrameReader(100, "peer").read(frame_of(1, {})).error().code, Code::Malformed);
}

TEST(Frame, WhatIsTooLargeIsRefused) {
  FrameReader reader = greeted_reader(100);
  EXPECT_EQ(reader.read(frame_of(1, test::text_message(std::string(200, 'x')))).error().code,
            Code::Malformed);
}

TEST(Frame, WhatHoldsNoMessageIsRefused) {
  const std::string bytes = "\xff\xff";
  const auto read = greeted_reader().read(message_frame(1, {bytes, crc32c(bytes)}));
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, Code::Malformed);
  EXPECT_NE(read.error().message.find("peer: frame 1: "), std::string::npos);
}

TEST(Frame, AMessageBeyondTheLimitsIsNotMade) {
  EXPECT_EQ(make_payload(test::text_message("12345678"), {.bytes = 8}).error().code,
            Code::InvalidArgument);
}

}  // namespace
}  // namespace verge::net
