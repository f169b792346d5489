// What a user meets when something is wrong: one line that says what, and files as they were.

#include <csignal>
#include <iostream>

#include <child_process.hpp>
#include <command_line.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <small_disk.hpp>
#include <tiny_model.hpp>

#include <verge/cli/interrupt.hpp>
#include <verge/core/file.hpp>

namespace verge::cli {
namespace {

using test::expect_refused;
using test::run_verge;

class BadInput : public testing::Test {
 protected:
  std::string bytes() { return read_whole_file(model_, 1 << 28).value(); }
  // The model with `part` replaced by something of the same length, at an offset behind it.
  std::string changed(const std::string& part, size_t behind, std::string_view by) {
    std::string text = bytes();
    text.replace(text.find(part) + part.size() + behind, by.size(), by);
    return folder_.add("changed.gguf", text);
  }
  test::Ran run(const std::string& model, std::vector<std::string> more = {}) {
    std::vector<std::string> all = {"run", model, "-p", "x", "-n", "2", "-t", "1"};
    all.insert(all.end(), more.begin(), more.end());
    return run_verge(all);
  }

  test::TemporaryFolder folder_;
  std::string model_ = test::tiny_model(folder_);
};

TEST_F(BadInput, FilesThatAreNoModel) {
  const std::pair<std::string, const char*> files[] = {
      {folder_ / "none.gguf", "no such file"},
      {folder_.add("empty", ""), "the file is empty"},
      {folder_.add("page", "<html></html>"), "page"},
      {folder_.add("half", bytes().substr(0, bytes().size() / 2)), "cut off"},
      {folder_.add("head", bytes().substr(0, 200)), "cut off"},
      {changed("general.architecture", 12, "lxxma"), "\"lxxma\" is not supported"}};
  for (const auto& [file, part] : files) {
    expect_refused(run(file), 1, part);
    expect_refused(run_verge({"quantize", file, folder_ / "o", "Q8_0", "-t", "1"}), 1, "");
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "o"));
}

TEST_F(BadInput, AnUnknownTensorTypeIsNamed) {
  const std::string tensor = "blk.0.attn_q.weight";
  const std::string file = changed(tensor, 4 + 2 * 8, std::string_view("\x63\0\0\0", 4));
  const test::Ran ran = run(file);
  expect_refused(ran, 1, "tensor " + tensor + " has type");
  expect_refused(ran, 1, file);
}

TEST_F(BadInput, WhatDoesNotFitIsRefusedWithItsNumbers) {
  const test::Ran memory = run(model_, {"-c", "900000000"});
  for (const char* part : {"900000000 tokens", "MiB available", "--context"}) {
    expect_refused(memory, 1, part);
  }
  expect_refused(run_verge({"run", model_, "-p", "x", "-t", "4096"}), 2, "cores");
  expect_refused(run_verge({"run", model_, "-p", std::string(900, 'x'), "-c", "64", "-t", "1"}), 2,
                 "do not fit in the context of 64");
}

TEST_F(BadInput, AFullDiskOrCtrlCLeavesTheOldFile) {
  const std::string out = folder_.add("out.gguf", "old");
  const size_t before = folder_.entries();
  const std::vector<std::string> quantize = {"quantize", model_, out, "Q8_0", "-t", "1"};
  {
    const test::SmallDisk disk(20000);
    expect_refused(run_verge(quantize), 1, "disk full");
  }
  catch_interrupts() = true;
  expect_refused(run_verge(quantize), 1, "stopped");
  catch_interrupts() = false;
  EXPECT_EQ(read_whole_file(out, 99).value(), "old");
  EXPECT_EQ(folder_.entries(), before);
}

TEST_F(BadInput, AFileNameNeedNotBeUtf8) {
  const auto json = test::run_json({"quantize", model_, folder_ / "\xff.gguf", "Q8_0", "-t", "1"});
  EXPECT_EQ(json["file"], folder_ / "\xef\xbf\xbd.gguf");
}

// The status of `verge man` when standard output is `descriptor`, and what it says then.
int status_with_output(int descriptor, const std::string& errors) {
  return test::in_child([&] {
    std::signal(SIGPIPE, SIG_IGN);
    ::dup2(descriptor, STDOUT_FILENO);
    std::ofstream err(errors);
    return run_application({"man"}, std::cout, err);
  });
}

TEST_F(BadInput, AClosedPipeIsQuietAndAFullDeviceIsNot) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  EXPECT_EQ(status_with_output(ends[1], folder_ / "err"), 1);
  EXPECT_EQ(std::filesystem::file_size(folder_ / "err"), 0u);
  const int full = ::open("/dev/full", O_WRONLY);
  if (full < 0) GTEST_SKIP() << "no /dev/full";
  EXPECT_EQ(status_with_output(full, folder_ / "err"), 1);
  EXPECT_NE(read_whole_file(folder_ / "err", 999).value().find("cannot write the output"),
            std::string::npos);
}

}  // namespace
}  // namespace verge::cli
