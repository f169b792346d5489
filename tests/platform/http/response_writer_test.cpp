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

struct LoneExchange {
  Nobody nobody;
  std::shared_ptr<Exchange> exchange = std::make_shared<Exchange>(nobody, 1000);
};

TEST(ResponseWriter, PiecesFollowTheHead) {
  LoneExchange f;
  ResponseWriter writer(f.exchange);
  writer.start({.content_type = "text/event-stream", .headers = {{"X-Own", "1"}}});
  EXPECT_TRUE(writer.write("data: a\n\n"));
  EXPECT_TRUE(writer.write("raw"));
  EXPECT_EQ(writer.buffered_bytes(), std::string("data: a\n\nraw").size());
  const Exchange::News news = f.exchange->fetch();
  EXPECT_EQ(news.head->content_type, "text/event-stream");
  EXPECT_EQ(news.head->headers.value("X-Own"), "1");
  EXPECT_EQ(news.pieces, "data: a\n\nraw");
}

TEST(ResponseWriter, TheLastCopyLeavesAnAnswer) {
  LoneExchange f;
  {
    ResponseWriter writer(f.exchange);
    const ResponseWriter copy = writer;
    writer = ResponseWriter(copy);
    EXPECT_FALSE(f.exchange->fetch().is_unanswered);
  }
  EXPECT_TRUE(f.exchange->fetch().is_unanswered);
}

TEST(ResponseWriter, AnAbandonedStreamIsAborted) {
  LoneExchange f;
  {
    ResponseWriter writer(f.exchange);
    writer.start({});
  }
  const Exchange::News news = f.exchange->fetch();
  EXPECT_TRUE(news.is_aborted);
  EXPECT_FALSE(news.is_last);
}

TEST(ResponseWriter, ACallbackMayHoldTheWriter) {
  LoneExchange f;
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
