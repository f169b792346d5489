#include <filesystem>

#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/engine/format/image/writer.hpp>
#include <verge/stages/serve/vision/picture_list.hpp>

namespace verge::serve {
namespace {

TEST(PictureList, FoldersAreListedByName) {
  const test::TemporaryFolder folder;
  const std::string png = *format::encode_image(format::Image(1, 1), format::ImageFormat::Png);
  folder.add("b.png", png);
  folder.add("a.jpg", "damaged, but called a picture");
  folder.add("c", png);
  folder.add("notes.txt", "no picture");
  std::filesystem::create_directory(folder / "d.png");
  const auto list = list_pictures({folder / "notes.txt", folder.path()});
  ASSERT_TRUE(list) << list.error().message;
  const std::vector<std::string> wanted = {folder / "notes.txt", folder / "a.jpg", folder / "b.png",
                                           folder / "c"};
  EXPECT_EQ(list->files, wanted);
  EXPECT_EQ(list->passed_over, 1);
}

TEST(PictureList, WhatIsNotThereIsNamed) {
  const test::TemporaryFolder folder;
  EXPECT_NE(list_pictures({folder.path()}).error().message.find("a folder without JPEG"),
            std::string::npos);
  EXPECT_EQ(list_pictures({folder / "none"}).error().code, Code::NotFound);
}

}  // namespace
}  // namespace verge::serve
