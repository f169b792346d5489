#include <string>

#include <gtest/gtest.h>

#include <verge/platform/http/message.hpp>

namespace verge::http {
namespace {

TEST(Headers, NamesCompareWithoutCase) {
  Headers headers = {{"Accept", "a"}, {"accept", "b"}, {"Host", "h"}};
  ASSERT_NE(headers.find("ACCEPT"), nullptr);
  EXPECT_EQ(*headers.find("ACCEPT"), "a");
  EXPECT_EQ(headers.count("aCCept"), 2u);
  EXPECT_EQ(headers.value("host"), "h");
  EXPECT_EQ(headers.find("Accep"), nullptr);
  EXPECT_EQ(headers.value("none", "otherwise"), "otherwise");
}

TEST(Headers, SetReplacesAndAddDoesNot) {
  Headers headers;
  headers.add("A", "1");
  headers.add("a", "2");
  EXPECT_EQ(headers.size(), 2u);
  headers.set("A", "3");
  EXPECT_EQ(headers.size(), 1u);
  EXPECT_EQ(headers.value("a"), "3");
  headers.set("B", "4");
  EXPECT_EQ(headers.size(), 2u);
}

TEST(Request, ParamsAndQueryAreFoundByName) {
  Request request;
  request.params = {{"model", "m"}};
  request.query = {{"a", "1"}, {"a", "2"}, {"b", ""}};
  EXPECT_EQ(request.param("model"), "m");
  EXPECT_EQ(request.param("none"), "");
  EXPECT_EQ(*request.query_value("a"), "1");
  EXPECT_EQ(*request.query_value("b"), "");
  EXPECT_EQ(request.query_value("c"), nullptr);
}

TEST(Response, HasTheTypeOfWhatItIs) {
  EXPECT_EQ(json_response(201, "{}").content_type, "application/json");
  EXPECT_EQ(json_response(201, "{}").status, 201);
  EXPECT_EQ(text_response(200, "x").content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(text_response(200, "x").body, "x");
}

}  // namespace
}  // namespace verge::http
