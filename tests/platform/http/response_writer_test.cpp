#include <memory>
#include <string>

#include <gtest/gtest.h>

#include <verge/platform/http/connection/exchange.hpp>
#include <verge/platform/http/response_writer.hpp>

namespace verge::http {
namespace {

struct Nobody : Fetcher {
  void wake_later() override {}
};

struct Fixture {
  Nobody nobody;
  std::shared_ptr<Exchange> exchange = std::make_shared<Exchange>(nobody, 1000);
};

TEST(ResponseWriter, EventsAreNotCachedOrHeldBack) {
  Fixture f;
  ResponseWriter writer(f.exchange);
  writer.start_events({{"X-Own", "1"}, {"Cache-Control", "public"}});
  EXPECT_TRUE(writer.event("a", "t"));
  EXPECT_TRUE(writer.comment("c"));
  EXPECT_TRUE(writer.write("raw"));
  EXPECT_EQ(writer.buffered_bytes(), std::string("event: t\ndata: a\n\n: c\n\nraw").size());
  const Exchange::News news = f.exchange->fetch();
  EXPECT_EQ(news.head->headers.value("Cache-Control"), "no-store");
  EXPECT_EQ(news.head->headers.value("X-Own"), "1");
  EXPECT_EQ(news.pieces, "event: t\ndata: a\n\n: c\n\nraw");
}

TEST(ResponseWriter, TheLastCopyLeavesAnAnswer) {
  Fixture f;
  {
    ResponseWriter writer(f.exchange);
    const ResponseWriter copy = writer;
    writer = ResponseWriter(copy);
    EXPECT_FALSE(f.exchange->fetch().is_unanswered);
  }
  EXPECT_TRUE(f.exchange->fetch().is_unanswered);
}

TEST(ResponseWriter, AnAbandonedStreamIsAborted) {
  Fixture f;
  {
    ResponseWriter writer(f.exchange);
    writer.start({});
  }
  const Exchange::News news = f.exchange->fetch();
  EXPECT_TRUE(news.is_aborted);
  EXPECT_FALSE(news.is_last);
}

TEST(ResponseWriter, ACallbackMayHoldTheWriter) {
  Fixture f;
  {
    ResponseWriter writer(f.exchange);
    writer.on_close([writer](CloseReason) {});
    writer.respond({});
    EXPECT_FALSE(writer.is_open());
  }
  EXPECT_TRUE(f.exchange->fetch().is_whole);
  EXPECT_EQ(f.exchange.use_count(), 1) << "the callback went with the answer";
}

TEST(ResponseWriter, ReasonsHaveNames) {
  EXPECT_EQ(name(CloseReason::ClientGone), "client_gone");
  EXPECT_EQ(name(CloseReason::TooSlow), "too_slow");
  EXPECT_EQ(name(CloseReason::Stopped), "stopped");
}

}  // namespace
}  // namespace verge::http
