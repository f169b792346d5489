#include <gtest/gtest.h>

#include <verge/stages/fit/tune/scheme_file.hpp>

#include "temporary_folder.hpp"

namespace verge::fit {
namespace {

using nn::ChannelChoice;
using nn::UpdateKind;

SchemeFile every_kind() {
  SchemeFile file{.model = "00ff", .scheme = {}};
  auto& layers = file.scheme.layers;
  layers["a"] = {};
  layers["b"].kind = UpdateKind::Bias;
  layers["c"].kind = UpdateKind::Full;
  layers["d"] = {.kind = UpdateKind::Channels, .ratio = 0.25};
  layers["e"] = {.kind = UpdateKind::Channels, .ratio = 0.5, .choice = ChannelChoice::SmallestNorm};
  layers["f"] = {.kind = UpdateKind::Channels, .choice = ChannelChoice::Random};
  layers["g"] = {
      .kind = UpdateKind::Channels, .choice = ChannelChoice::Given, .channels = {0, 7, 3}};
  file.scheme.lora = graph::LowRank{4, 12};
  return file;
}

TEST(SchemeFile, ReadsWhatItPrints) {
  const auto read = parse_scheme(print_scheme(every_kind()), "s");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->model, "00ff");
  EXPECT_TRUE(read->scheme == every_kind().scheme);
}

TEST(SchemeFile, NamesWhatItCannotRead) {
  const auto refusal = [](std::string_view text) {
    const auto file = parse_scheme(text, "s.json");
    return file ? std::string("taken") : file.error().message;
  };
  EXPECT_NE(refusal("{").find("s.json: no JSON"), std::string::npos);
  EXPECT_NE(refusal("[]").find("no object"), std::string::npos);
  EXPECT_NE(refusal(R"({"layer": {}})").find("\"layer\" is none of"), std::string::npos);
  for (const char* layer :
       {R"("most")", "7", "{}", R"({"ratio": 2})", R"({"ratio": 0.5, "select": "biggest"})",
        R"({"ratio": 0.5, "channels": [1]})", R"({"channels": [1], "select": "random"})",
        R"({"channels": [-1]})", R"({"channels": [0.5]})"}) {
    EXPECT_NE(refusal(fmt::format(R"({{"layers": {{"w": {}}}}})", layer)).find("layer w"),
              std::string::npos)
        << layer;
  }
  EXPECT_NE(refusal(R"({"lora": {"rank": 0}})").find("ranks are from 1"), std::string::npos);
  EXPECT_NE(refusal(R"({"lora": 8})").find("whole \"rank\""), std::string::npos);
  std::string deep(5000, '[');
  EXPECT_NE(refusal(deep), "taken");
}

TEST(SchemeFile, IsBoundToItsModel) {
  const test::TemporaryFolder folder;
  folder.add("s.json", R"({"model": "aa", "layers": {}})");
  EXPECT_TRUE(read_scheme(folder / "s.json", "aa"));
  const auto other = read_scheme(folder / "s.json", "bb");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::Conflict);
  EXPECT_NE(other.error().message.find("for the model aa, this one is bb"), std::string::npos);
  folder.add("any.json", R"({"layers": {}})");
  EXPECT_TRUE(read_scheme(folder / "any.json", "bb"));
}

}  // namespace
}  // namespace verge::fit
