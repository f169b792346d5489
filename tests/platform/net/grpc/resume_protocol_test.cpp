#include <gtest/gtest.h>

#include <verge/platform/net/grpc/resume_protocol.hpp>

#include "test_messages.hpp"

namespace verge::net {
namespace {

const std::string kSession(kSessionBytes, 's');

TEST(ResumeProtocol, EachComesBack) {
  const Marks received = {5, 7};
  const auto resume = open_envelope(resume_message(received, kSession, true));
  ASSERT_TRUE(resume.ok());
  EXPECT_EQ(marks_of(resume->envelope), received);
  EXPECT_EQ(resume->envelope.resume().session(), kSession);
  EXPECT_TRUE(resume->envelope.resume().is_new());
  EXPECT_EQ(marks_of(open_envelope(acknowledgement(received))->envelope), received);
  EXPECT_EQ(open_envelope(refusal_message("why"))->envelope.refusal(), "why");
  const Message message = test::tensor_message("body", 100);
  const auto delivery =
      open_envelope(parcel_of(received, Channel::Lane::Urgent, 8, message, false));
  ASSERT_TRUE(delivery.ok());
  const wire::Parcel& parcel = delivery->envelope.parcel();
  EXPECT_TRUE(parcel.is_urgent());
  EXPECT_EQ(parcel.sequence(), 8u);
  EXPECT_EQ(marks_of(delivery->envelope), received);
  test::expect_same({parcel.kind(), parcel.body(), delivery->tensors}, message);
}

TEST(ResumeProtocol, OtherMessagesAreRefused) {
  EXPECT_EQ(open_envelope(test::text_message("x")).error().code, Code::Malformed);
  EXPECT_EQ(open_envelope({.kind = kEnvelopeKind, .body = "\xff\xff", .tensors = {}}).error().code,
            Code::Malformed);
  EXPECT_EQ(open_envelope(resume_message({}, "short", true)).error().code, Code::Malformed);
}

}  // namespace
}  // namespace verge::net
