#include <command_line.hpp>
#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/cli/emulated_link.hpp>
#include <verge/platform/net/link/channel_pair.hpp>

namespace verge::cli {
namespace {

EmulatedLinkOptions options_of(const std::string& text) {
  EmulatedLinkOptions options;
  options.link = text;
  return options;
}

TEST(EmulatedLink, IsARateAndADelay) {
  const auto link = options_of("23.5mbit,20ms").read();
  ASSERT_TRUE(link && *link);
  ASSERT_EQ((*link)->steps.size(), 1u);
  EXPECT_EQ((*link)->steps[0].bandwidth_bps, 23.5e6);
  EXPECT_EQ((*link)->steps[0].delay_s, 0.02);
  EXPECT_FALSE(*options_of("").read());
}

TEST(EmulatedLink, IsATraceOfAFile) {
  const test::TemporaryFolder folder;
  const std::string file =
      folder.add("links.csv", "trace,time_s,bandwidth_bps\nbus,0,1000\nbus,5,0\ntram,0,7\n");
  const auto tram = options_of(file + ":tram").read();
  ASSERT_TRUE(tram && *tram) << tram.error().message;
  EXPECT_EQ((*tram)->steps[0].bandwidth_bps, 7);
  EXPECT_EQ(options_of(file + ":train").read().error().code, Code::NotFound);
}

TEST(EmulatedLink, AnythingElseIsRefused) {
  for (const char* text : {"fast", "23mbit", "mbit,20ms", "-1mbit,20ms", "23mbit,20", "1e,2ms"}) {
    EXPECT_EQ(options_of(text).read().error().code, Code::InvalidArgument) << text;
  }
}

TEST(EmulatedLink, MessagesPassIt) {
  const SystemClock clock;
  net::ChannelPair ends = net::make_channel_pair();
  auto shaped = shape(std::move(ends.first), *options_of("1000mbit,0ms").read(), clock);
  ASSERT_TRUE(shaped);
  ASSERT_TRUE((*shaped)->send({.kind = 1, .body = "hello"}));
  const auto got = ends.second->receive(60);
  ASSERT_TRUE(got && *got);
  EXPECT_EQ((*got)->body, "hello");
}

}  // namespace
}  // namespace verge::cli
