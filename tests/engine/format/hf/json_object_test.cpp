#include <gtest/gtest.h>

#include <verge/engine/format/hf/json_object.hpp>

namespace verge::format {
namespace {

TEST(JsonObject, ReadsFieldsOfTheRightKind) {
  const JsonObject object =
      JsonObject::parse(R"({"n":7,"x":1.5,"t":"a","f":true,"z":null,"o":{"n":8},"l":[1,2.5]})", "c")
          .value();
  EXPECT_EQ(object.whole("n").value(), 7u);
  EXPECT_EQ(object.whole("none", 3).value(), 3u);
  EXPECT_EQ(object.real("n").value(), 7.0);
  EXPECT_EQ(object.text("t").value(), "a");
  EXPECT_EQ(object.flag("f").value(), true);
  EXPECT_FALSE(object.whole("z").value().has_value());
  EXPECT_EQ(object.object("o").value()->whole("n").value(), 8u);
  EXPECT_EQ(object.reals("l").value(), (std::vector<double>{1, 2.5}));
  EXPECT_EQ(object.reals("n").value(), (std::vector<double>{7}));
}

TEST(JsonObject, NamesFileAndField) {
  const JsonObject object =
      JsonObject::parse(R"({"t":"a","big":4294967296,"neg":-1,"l":[1,"a"]})", "c").value();
  EXPECT_EQ(object.whole("t").error().message,
            "c: field t is a string, expected a whole number of 32 bits; fetch it again");
  EXPECT_FALSE(object.whole("big"));
  EXPECT_FALSE(object.whole("neg"));
  EXPECT_FALSE(object.real("t"));
  EXPECT_FALSE(object.flag("t"));
  EXPECT_FALSE(object.text("big"));
  EXPECT_FALSE(object.object("t"));
  EXPECT_FALSE(object.reals("l"));
  EXPECT_EQ(object.whole("none", 0).error().message, "c: field none is missing; fetch it again");
  for (const char* text : {"", "[]", "1", "{", "{\"a\":}", "\xff"}) {
    EXPECT_EQ(JsonObject::parse(text, "c").error().message, "c: not a JSON object; fetch it again");
  }
}

}  // namespace
}  // namespace verge::format
