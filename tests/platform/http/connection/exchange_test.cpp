#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <verge/platform/http/connection/exchange.hpp>

namespace verge::http {
namespace {

struct CountingFetcher : Fetcher {
  std::atomic<int> woken{0};
  void wake_later() override { ++woken; }
};

TEST(Exchange, WakesOnceForAnyNumberOfPieces) {
  CountingFetcher fetcher;
  Exchange exchange(fetcher, 1000);
  exchange.start({});
  EXPECT_EQ(fetcher.woken, 0) << "the handler still runs on the fetcher's thread";
  exchange.fetch();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(exchange.write("x"));
  EXPECT_EQ(fetcher.woken, 1);
  EXPECT_EQ(exchange.fetch().pieces, "xxxxxxxxxx");
  exchange.end();
  EXPECT_EQ(fetcher.woken, 2);
  EXPECT_TRUE(exchange.fetch().is_last);
}

TEST(Exchange, OnlyTheFirstAnswerCounts) {
  CountingFetcher fetcher;
  Exchange exchange(fetcher, 1000);
  exchange.respond(text_response(201, "first"));
  exchange.respond(text_response(202, "second"));
  exchange.start({});
  EXPECT_FALSE(exchange.write("x"));
  const Exchange::News news = exchange.fetch();
  EXPECT_EQ(news.head->status, 201);
  EXPECT_TRUE(news.is_whole && news.is_last);
  EXPECT_EQ(news.pieces, "");
  EXPECT_FALSE(exchange.write("before start"));
}

TEST(Exchange, WhatIsInFlightCountsAgainstTheBuffer) {
  CountingFetcher fetcher;
  Exchange exchange(fetcher, 100);
  exchange.start({});
  EXPECT_TRUE(exchange.write(std::string(60, 'x')));
  exchange.fetch();
  EXPECT_EQ(exchange.buffered_bytes(), 60u);
  EXPECT_TRUE(exchange.write(std::string(40, 'x')));
  exchange.fetch();
  exchange.set_in_flight(50);
  EXPECT_TRUE(exchange.write(std::string(50, 'x')));
  EXPECT_FALSE(exchange.write("x"));
  EXPECT_TRUE(exchange.fetch().is_overflow);
  EXPECT_FALSE(exchange.is_open());
  exchange.end();
  EXPECT_FALSE(exchange.fetch().is_last) << "the answer is not whole";
}

TEST(Exchange, OnePieceLongerThanTheBufferIsTaken) {
  CountingFetcher fetcher;
  Exchange exchange(fetcher, 100);
  exchange.start({});
  EXPECT_TRUE(exchange.write(std::string(1000, 'x')));
  EXPECT_FALSE(exchange.write("x"));
}

TEST(Exchange, TheWriterHearsOfACutOnce) {
  CountingFetcher fetcher;
  Exchange exchange(fetcher, 100);
  int told = 0;
  exchange.on_close([&](CloseReason) { told += 100; });
  exchange.on_close([&](CloseReason reason) { told += reason == CloseReason::Stopped ? 1 : 10; });
  exchange.cut(CloseReason::Stopped);
  exchange.cut(CloseReason::ClientGone);
  EXPECT_EQ(told, 1);
  exchange.on_close([&](CloseReason reason) { told += reason == CloseReason::Stopped ? 1 : 10; });
  EXPECT_EQ(told, 2) << "late callbacks are told at once";
}

TEST(Exchange, ACompleteAnswerIsNotCut) {
  CountingFetcher fetcher;
  Exchange exchange(fetcher, 100);
  bool is_told = false;
  exchange.on_close([&](CloseReason) { is_told = true; });
  exchange.start({});
  exchange.end();
  exchange.cut(CloseReason::ClientGone);
  exchange.on_close([&](CloseReason) { is_told = true; });
  EXPECT_FALSE(is_told);
}

TEST(Exchange, ACallbackMayUseItsExchange) {
  CountingFetcher fetcher;
  Exchange exchange(fetcher, 100);
  exchange.start({});
  std::optional<bool> written;
  exchange.on_close([&](CloseReason) { written = exchange.write("x"); });
  exchange.cut(CloseReason::TooSlow);
  EXPECT_EQ(written, false);
}

TEST(Exchange, NobodyIsWokenAfterTheRelease) {
  CountingFetcher fetcher;
  Exchange exchange(fetcher, 100);
  exchange.fetch();
  exchange.release();
  exchange.respond({});
  EXPECT_EQ(fetcher.woken, 0);
}

TEST(Exchange, ManyThreadsMayWrite) {
  CountingFetcher fetcher;
  Exchange exchange(fetcher, 1 << 20);
  exchange.start({});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 1000; ++j) exchange.write("x");
    });
  }
  size_t fetched = 0;
  for (int i = 0; i < 1000; ++i) fetched += exchange.fetch().pieces.size();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(fetched + exchange.fetch().pieces.size(), 4000u);
}

}  // namespace
}  // namespace verge::http
