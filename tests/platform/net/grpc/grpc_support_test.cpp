#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include <verge/platform/net/grpc/grpc_support.hpp>

namespace verge::net {
namespace {

TEST(Address, IsLookedUp) {
  EXPECT_EQ(*target_of({"10.0.0.7", 7443}, 1), "ipv4:10.0.0.7:7443");
  EXPECT_EQ(*target_of({"2001:db8::5", 7443}, 1), "ipv6:[2001:db8::5]:7443");
  const auto nowhere = target_of({"no.such.host.invalid", 1}, 1);
  ASSERT_FALSE(nowhere.ok());
  EXPECT_EQ(nowhere.error().code, Code::Io);
  EXPECT_NE(nowhere.error().message.find("no.such.host.invalid:1: "), std::string::npos);
}

TEST(GrpcErrors, CodesSurviveTheWire) {
  for (const Code code : {Code::InvalidArgument, Code::NotFound, Code::Malformed, Code::Unsupported,
                          Code::Io, Code::Conflict, Code::Busy, Code::Denied, Code::Internal}) {
    const Error back = error_of_call(grpc_status(make_error(code, "why")), "there:1");
    EXPECT_EQ(back.code, code);
    EXPECT_NE(back.message.find("there:1: "), std::string::npos);
    EXPECT_NE(back.message.find("why"), std::string::npos);
  }
  EXPECT_EQ(error_of_call(grpc::Status::OK, "there:1").code, Code::Io);
}

TEST(GrpcErrors, DiallingSaysWhatIsWrong) {
  const auto told = [](const char* text) {
    return error_of_dialling({grpc::StatusCode::UNAVAILABLE, text}, "there:1").message;
  };
  EXPECT_NE(told("ipv4:127.0.0.1:1: Failed to connect: Connection refused").find("nothing listens"),
            std::string::npos);
  EXPECT_NE(told("Socket closed").find("certificate"), std::string::npos);
  EXPECT_NE(told("No route to host").find("No route to host"), std::string::npos);
}

TEST(GrpcSupport, TimesFitWhatGrpcTakes) {
  EXPECT_EQ(milliseconds(1.5), 1500);
  EXPECT_EQ(milliseconds(0), 1);
  EXPECT_EQ(milliseconds(1e12), 2'000'000'000);
}

TEST(ServerCheck, RemembersItsRefusal) {
  ServerCheck check([](std::string_view chain) {
    return chain == "good" ? Status() : Status(make_error(Code::Denied, "bad"));
  });
  EXPECT_TRUE(check.check("good").ok());
  EXPECT_FALSE(check.refusal().has_value());
  EXPECT_FALSE(check.check("x").ok());
  EXPECT_EQ(check.refusal()->message, "bad");
}

}  // namespace
}  // namespace verge::net
