#include <filesystem>
#include <sstream>

#include <command_line.hpp>
#include <gtest/gtest.h>
#include <idx_files.hpp>
#include <vision_networks.hpp>

#include <verge/engine/format/image/writer.hpp>
#include <verge/engine/model/image_data.hpp>

namespace verge::cli {
namespace {

std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

class PictureCommands : public testing::Test {
 protected:
  std::string picture(const std::string& name, std::array<uint8_t, 3> colour) {
    EXPECT_TRUE(format::write_image(folder_ / name, test::plain_picture(20, 30, colour)));
    return folder_ / name;
  }

  test::TemporaryFolder folder_;
  const std::string net_ = folder_.add("net.onnx", test::onnx_file(test::colour_classifier()));
};

TEST_F(PictureCommands, AFolderIsAnsweredAPictureALine) {
  std::filesystem::create_directory(folder_ / "in");
  picture("in/a.png", {255, 0, 0});
  picture("in/b.jpg", {0, 255, 0});
  folder_.add("in/c.png", "damaged");
  picture("in/d.webp", {0, 0, 255});
  folder_.add("names.txt", "red\ngreen\nblue\n");
  const auto ran = test::run_verge({"run", net_, folder_ / "in", "--labels", folder_ / "names.txt",
                                    "--image-size", "16", "--batch", "2", "--json", "--output-dir",
                                    folder_ / "out", "-t", "1"});
  EXPECT_EQ(ran.status, 1) << ran.err;
  EXPECT_NE(ran.err.find("1 of 4 pictures could not be read"), std::string::npos) << ran.err;
  const auto lines = json_lines(ran.out);
  ASSERT_EQ(lines.size(), 4u) << ran.out;
  EXPECT_EQ(lines[0]["classes"][0]["label"], "red");
  EXPECT_EQ(lines[1]["classes"][0]["label"], "green");
  EXPECT_NE(lines[2]["error"].get<std::string>().find("c.png: no picture"), std::string::npos);
  EXPECT_EQ(lines[3]["classes"][0]["label"], "blue");
  for (const char* name : {"a.png", "b.jpg", "d.webp"}) {
    EXPECT_TRUE(std::filesystem::exists(folder_ / "out/" + name)) << name;
  }
}

TEST_F(PictureCommands, WhatIsAssumedIsSaid) {
  const auto ran = test::run_verge({"run", net_, picture("a.png", {0, 255, 0})});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.err.find("assumed: --task classify, --image-size 224"), std::string::npos)
      << ran.err;
  EXPECT_NE(ran.out.find("%  class 1\n"), std::string::npos) << ran.out;
}

TEST_F(PictureCommands, HowTheNetworkIsSharedOutIsSaid) {
  const std::vector<std::string> command = {"run",
                                            net_,
                                            picture("a.png", {0, 255, 0}),
                                            picture("b.png", {255, 0, 0}),
                                            "--image-size",
                                            "16",
                                            "-t",
                                            "1"};
  auto shared = command;
  shared.insert(shared.end(), {"--backend", "int8-dsp"});
  const auto ran = test::run_verge(shared);
  EXPECT_EQ(ran.status, 0) << ran.err;
  const size_t at = ran.err.find("int8-dsp: 0 of ");
  ASSERT_NE(at, std::string::npos) << ran.err;
  EXPECT_EQ(ran.err.find("int8-dsp: ", at + 1), std::string::npos) << "once for all pictures";
  EXPECT_EQ(test::run_verge(command).err.find("int8-dsp"), std::string::npos);
  shared.emplace_back("--quiet");
  EXPECT_EQ(test::run_verge(shared).err.find("int8-dsp"), std::string::npos);
  const std::string config = folder_.add("config.toml", "[run]\nbackend = \"auto\"\n");
  auto by_file = command;
  by_file.insert(by_file.begin(), {"--config", config});
  EXPECT_EQ(test::run_verge(by_file).status, 0);
}

TEST_F(PictureCommands, WrongUseIsRefused) {
  const std::string file = picture("a.png", {0, 255, 0});
  test::expect_refused(test::run_verge({"run", net_, folder_ / "none.png"}), 1, "no such file");
  test::expect_refused(test::run_verge({"run", net_, file, "--output-dir", folder_.path()}), 2,
                       "may be overwritten");
  test::expect_refused(test::run_verge({"run", net_, file, "-p", "x"}), 2, "--prompt is for");
  test::expect_refused(test::run_verge({"run", net_, file, "--input", "x=y.npy"}), 2, "not both");
  test::expect_refused(test::run_verge({"run", "model.gguf", file}), 2, "no network for pictures");
  test::expect_refused(test::run_verge({"run", net_, file, "--max-pixels", "599"}), 1,
                       "30 x 20 pixels, more than 599");
}

// A network of `verge train image` says of pictures what --evaluate counts of the data set.
TEST_F(PictureCommands, ATrainedNetworkAnswersAsItsEvaluation) {
  test::add_idx_files(folder_, 8, 8, std::string("\0\1\2\0\1\2\0\1\2\0", 10),
                      std::string("\0\1\2\0\1\2\1", 7));
  const std::string network = folder_ / "digits.safetensors";
  const auto trained = test::run_verge({"train", "image", folder_.path(), "-o", network, "--epochs",
                                        "2", "--batch", "5", "--mirror", "-t", "1"});
  ASSERT_EQ(trained.status, 0) << trained.err;
  const auto evaluated =
      test::run_json({"train", "image", folder_.path(), "--evaluate", network, "-t", "1"});
  const auto data = model::read_image_data(folder_.path());
  ASSERT_TRUE(data);
  std::filesystem::create_directory(folder_ / "test");
  for (int64_t i = 0; i < data->test.count(); ++i) {
    format::Image image(8, 8);
    for (size_t p = 0; p < image.pixels.size(); ++p) image.pixels[p] = data->test.image(i)[p / 3];
    ASSERT_TRUE(format::write_image(folder_ / fmt::format("test/{}.png", i), image));
  }
  const auto ran =
      test::run_verge({"run", network, folder_ / "test", "--batch", "3", "--json", "-t", "1"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const auto lines = json_lines(ran.out);
  ASSERT_EQ(std::ssize(lines), data->test.count());
  auto confusion = std::vector<std::vector<int64_t>>(10, std::vector<int64_t>(10));
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto label = static_cast<size_t>(data->test.labels[i]);
    confusion[label][lines[i]["classes"][0]["index"].get<size_t>()] += 1;
  }
  EXPECT_EQ(evaluated["confusion"], nlohmann::json(confusion));
}

}  // namespace
}  // namespace verge::cli
