#include <gtest/gtest.h>

#include <verge/engine/format/metadata.hpp>

namespace verge::format {
namespace {

TEST(Metadata, IntegersOfAnyWidthFitOrFail) {
  Metadata m;
  m.set("u8", uint8_t{200});
  m.set("i16", int16_t{-3});
  m.set("u64", uint64_t{1} << 40);
  m.set("max", ~uint64_t{0});
  EXPECT_EQ(m.get_u32("u8").value(), 200u);
  EXPECT_EQ(m.get_i64("i16").value(), -3);
  EXPECT_EQ(m.get_i64("u64").value(), int64_t{1} << 40);
  EXPECT_EQ(m.get_u32("i16").error().message,
            "key i16: expected u32, found i16 -3; convert the model again");
  EXPECT_FALSE(m.get_u32("u64"));
  EXPECT_FALSE(m.get_i64("max"));
  EXPECT_FALSE(m.get_f32("u8"));
}

TEST(Metadata, ErrorsNameKeyExpectedAndFound) {
  Metadata m;
  m.set("name", "tiny");
  m.set("f", 0.5);
  m.set_array<int32_t>("list", std::vector<int32_t>{1, -2});
  EXPECT_EQ(m.get_f32("f").value(), 0.5f);
  EXPECT_EQ(m.get_u32("name").error().message,
            "key name: expected u32, found string \"tiny\"; convert the model again");
  EXPECT_EQ(m.get_string("list").error().message,
            "key list: expected string, found array of i32 [1, -2]; convert the model again");
  EXPECT_EQ(m.get_array<uint32_t>("list").error().message,
            "key list: expected array of u32, found array of i32 [1, -2]; convert the model again");
  EXPECT_EQ(m.get_bool("f").error().message,
            "key f: expected bool, found f64 0.5; convert the model again");
  EXPECT_EQ(m.get_strings("none").error().message,
            "key none: missing, expected array of string; convert the model again");
  EXPECT_EQ(m.get_strings("none").error().code, Code::NotFound);
}

TEST(Metadata, DefaultsStandForAbsenceOnly) {
  Metadata m;
  m.set("name", "tiny");
  EXPECT_EQ(m.get_u32("none", 7).value(), 7u);
  EXPECT_EQ(m.get_f32("none", 0.5f).value(), 0.5f);
  EXPECT_EQ(m.get_string("none", "x").value(), "x");
  EXPECT_TRUE(m.get_bool("none", true).value());
  EXPECT_EQ(m.get_i64("none", -1).value(), -1);
  EXPECT_FALSE(m.get_u32("name", 7));
}

TEST(Metadata, CopiesOutliveTheirSource) {
  Metadata copy;
  {
    Metadata m;
    m.set("key", "value");
    const std::string_view items[] = {"a", "bb"};
    m.set_strings("items", items);
    copy = m;
    copy.set("key", "other");
    EXPECT_EQ(m.get_string("key").value(), "value");
  }
  EXPECT_EQ(copy.get_string("key").value(), "other");
  EXPECT_EQ(copy.get_strings("items").value(), (std::vector<std::string_view>{"a", "bb"}));
  copy.remove("key");
  copy.remove("none");
  EXPECT_FALSE(copy.contains("key"));
  EXPECT_EQ(copy.get_strings("items").value().size(), 2u);
}

TEST(Metadata, ValuesPrintShort) {
  Metadata m;
  m.set("text", std::string(100, 'x'));
  m.set_array<float>("numbers", std::vector<float>(1000, 1.5f));
  const std::string_view items[] = {"a", "b"};
  m.set_strings("items", items);
  m.set("on", true);
  EXPECT_EQ(m.find("text")->str(3), "\"xxx\"... 100 bytes");
  EXPECT_EQ(m.find("numbers")->str(2), "[1.5, 1.5, ... 1000 items]");
  EXPECT_EQ(m.find("items")->str(), "[\"a\", \"b\"]");
  EXPECT_EQ(m.find("on")->str(), "true");
  EXPECT_EQ(m.find("numbers")->type_name(), "array of f32");
}

}  // namespace
}  // namespace verge::format
