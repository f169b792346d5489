#include <sstream>

#include <gtest/gtest.h>

#include <verge/cli/picture_report.hpp>

namespace verge::cli {
namespace {

serve::VisionRecipe recipe_of(serve::Task task) {
  serve::VisionRecipe recipe;
  recipe.task = task;
  recipe.labels = {"cat", "dog"};
  return recipe;
}

std::string printed(const serve::PictureAnswer& answer, const std::string& drawn = "") {
  std::ostringstream out;
  print_picture(answer, recipe_of(serve::Task::Text), drawn, out);
  return out.str();
}

TEST(PictureReport, ClassesInBothForms) {
  serve::PictureAnswer answer;
  answer.path = "a.jpg";
  answer.height = 2;
  answer.width = 3;
  answer.classes = {{1, 0.75}, {2, 0.25}};
  EXPECT_EQ(printed(answer), "a.jpg\n   75.00 %  dog\n   25.00 %  class 2\n");
  const Json json = picture_json(answer, recipe_of(serve::Task::Classify), "");
  EXPECT_EQ(json.dump(),
            R"({"file":"a.jpg","height":2,"width":3,"classes":[{"label":"dog","index":1,)"
            R"("probability":0.75},{"label":"class 2","index":2,"probability":0.25}]})");
}

TEST(PictureReport, ObjectsInBothForms) {
  serve::PictureAnswer answer;
  answer.path = "a.jpg";
  answer.objects = {{1.04, 2, 30, 40, 0, 0.5}};
  EXPECT_EQ(printed(answer, "out/a.jpg"),
            "a.jpg -> out/a.jpg\n   50.00 %  cat                  1,2 to 30,40\n");
  const Json json = picture_json(answer, recipe_of(serve::Task::Detect), "out/a.jpg");
  EXPECT_EQ(json["objects"][0]["box"].dump(), "[1.0,2.0,30.0,40.0]");
  EXPECT_EQ(json["drawn"], "out/a.jpg");
}

TEST(PictureReport, TextInBothForms) {
  serve::PictureAnswer answer;
  answer.path = "a.jpg";
  const serve::Quad quad = {serve::Point{1, 2}, serve::Point{11, 2}, serve::Point{11, 7},
                            serve::Point{1, 7}};
  answer.lines = {{quad, "Hello", 0.9}};
  EXPECT_EQ(printed(answer), "a.jpg\n    1   90.00 %  1,2 10x5  Hello\n");
  EXPECT_EQ(picture_json(answer, recipe_of(serve::Task::Text), "")["lines"][0]["quad"].dump(),
            "[[1.0,2.0],[11.0,2.0],[11.0,7.0],[1.0,7.0]]");
}

TEST(PictureReport, NothingAndErrorsAreSaid) {
  serve::PictureAnswer answer;
  answer.path = "a.jpg";
  EXPECT_EQ(printed(answer), "a.jpg\n  nothing found\n");
  EXPECT_EQ(picture_json(answer, recipe_of(serve::Task::Detect), "")["objects"], Json::array());
  answer.error = make_error(Code::Malformed, "a.jpg: cut off");
  EXPECT_EQ(picture_json(answer, recipe_of(serve::Task::Text), "").dump(),
            R"({"file":"a.jpg","code":"malformed","error":"a.jpg: cut off"})");
}

}  // namespace
}  // namespace verge::cli
