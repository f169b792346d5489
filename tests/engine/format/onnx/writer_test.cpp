#include <filesystem>

#include <gtest/gtest.h>
#include <onnx_writer.hpp>

#include <verge/core/file.hpp>
#include <verge/engine/format/onnx/messages.hpp>
#include <verge/engine/format/onnx/reader.hpp>
#include <verge/engine/format/onnx/wire_writer.hpp>
#include <verge/engine/format/onnx/writer.hpp>

#include "small_disk.hpp"
#include "temporary_folder.hpp"

namespace verge::format::onnx {
namespace {

constexpr float kWeights[] = {1, 2, 3, 4, 5, 6};

ModelData small_model() {
  ModelData model{.ir_version = 8, .producer = "verge", .opset = 17};
  model.domains = {{"com.example", 2}};
  model.metadata = {{"labels", "cat,dog"}, {"empty", ""}};
  model.graph.name = "net";
  NodeData node{.op_type = "MatMul", .name = "first", .inputs = {"x", "w", ""}, .outputs = {"y"}};
  node.attributes = {
      {.name = "i", .kind = AttributeKind::Int, .integer = -3},
      {.name = "f", .kind = AttributeKind::Float, .real = 0.5},
      {.name = "s", .kind = AttributeKind::String, .text = "text"},
      {.name = "is", .kind = AttributeKind::Ints, .integers = {1, -2, int64_t{1} << 40}},
      {.name = "none", .kind = AttributeKind::Ints},
      {.name = "fs", .kind = AttributeKind::Floats, .reals = {0.25, -1}},
      {.name = "ss", .kind = AttributeKind::Strings, .texts = {"a", ""}}};
  model.graph.nodes = {node};
  model.graph.initializers = {{.name = "w",
                               .type = ElementType::Float,
                               .dims = {2, 3},
                               .bytes = std::as_bytes(std::span(kWeights))}};
  const auto value = [](std::string name, std::vector<Extent> dims) {
    return ValueInfo{std::move(name), ElementType::Float, true, true, std::move(dims)};
  };
  model.graph.inputs = {value("x", {{-1, "batch"}, {2}})};
  model.graph.outputs = {value("y", {{-1}, {3}})};
  return model;
}

std::string written(const ModelData& model) {
  std::string bytes;
  const Status status = write_onnx_to(model, [&](std::span<const std::byte> portion) {
    bytes.append(reinterpret_cast<const char*>(portion.data()), portion.size());
    return Status();
  });
  EXPECT_TRUE(status) << status.error().message;
  return bytes;
}

TEST(OnnxWriter, WhatIsWrittenReadsAsItWas) {
  const ModelData model = small_model();
  const std::string bytes = written(model);
  const auto found = read_model(test::onnx_bytes(bytes));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->ir_version, 8);
  EXPECT_EQ(found->opset, 17);
  EXPECT_EQ(found->domains, model.domains);
  EXPECT_EQ(found->metadata, model.metadata);
  const NodeData& node = found->graph.nodes.at(0);
  EXPECT_EQ(node.inputs, model.graph.nodes[0].inputs);
  ASSERT_EQ(node.attributes.size(), 7u);
  EXPECT_EQ(node.find("i")->integer, -3);
  EXPECT_EQ(node.find("f")->real, 0.5);
  EXPECT_EQ(node.find("s")->text, "text");
  EXPECT_EQ(node.find("is")->integers, model.graph.nodes[0].attributes[3].integers);
  EXPECT_EQ(node.find("none")->kind, AttributeKind::Ints);
  EXPECT_EQ(node.find("fs")->reals, (std::vector<double>{0.25, -1}));
  EXPECT_EQ(node.find("ss")->texts, (std::vector<std::string>{"a", ""}));
  const TensorData& tensor = found->graph.initializers.at(0);
  EXPECT_EQ(tensor.dims, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(std::memcmp(tensor.bytes.data(), kWeights, sizeof kWeights), 0);
  EXPECT_EQ(found->graph.inputs.at(0).dims.at(0).symbol, "batch");
  EXPECT_EQ(found->graph.outputs.at(0).dims.at(0).value, -1);
  EXPECT_EQ(written(*found), bytes);
}

TEST(OnnxWriter, AFileIsWholeOrAsItWas) {
  const test::TemporaryFolder folder;
  const std::string path = folder.add("net.onnx", "old");
  const auto content = [&] { return read_whole_file(path, 1 << 20).value(); };
  const std::atomic<bool> cancel = true;
  EXPECT_EQ(write_onnx(small_model(), path, {.cancel = &cancel}).error().code, Code::Cancelled);
  EXPECT_EQ(content(), "old");
  {
    const test::SmallDisk disk(16);
    EXPECT_EQ(write_onnx(small_model(), path).error().code, Code::Io);
  }
  EXPECT_EQ(content(), "old");
  ASSERT_TRUE(write_onnx(small_model(), path));
  EXPECT_EQ(content(), written(small_model()));
}

// A weight of 4000 bytes, which goes elsewhere, and one that is too small to.
struct LargeModel {
  std::vector<float> values = std::vector<float>(1000);
  ModelData model = small_model();

  LargeModel() {
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    for (const char* name : {"large", "larger"}) {
      model.graph.initializers.push_back({.name = name,
                                          .type = ElementType::Float,
                                          .dims = {1000},
                                          .bytes = std::as_bytes(std::span(values))});
    }
  }
};

void expect_read_back(const std::string& path, const ModelData& wanted) {
  const auto read = Onnx::open(path);
  ASSERT_TRUE(read) << read.error().message;
  const auto& found = read->model().graph.initializers;
  ASSERT_EQ(found.size(), wanted.graph.initializers.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_TRUE(std::ranges::equal(found[i].bytes, wanted.graph.initializers[i].bytes)) << i;
    EXPECT_EQ(found[i].external.has_value(), i > 0);
  }
}

TEST(OnnxWriter, LargeTensorsMayLieBesideTheFile) {
  const test::TemporaryFolder folder;
  const LargeModel large;
  const std::string path = folder / "net.onnx";
  ASSERT_TRUE(write_onnx(large.model, path, {.external_data = true}));
  EXPECT_EQ(folder.entries(), 2u);
  EXPECT_EQ(std::filesystem::file_size(path + ".data"), 2 * 4032u);
  EXPECT_LT(std::filesystem::file_size(path), 1000u);
  expect_read_back(path, large.model);
}

TEST(OnnxWriter, WhatIsTooLargeForOneFileBecomesTwo) {
  const test::TemporaryFolder folder;
  const LargeModel large;
  const std::string path = folder / "net.onnx";
  ASSERT_TRUE(write_onnx(large.model, path, {.most_bytes = 5000}));
  expect_read_back(path, large.model);
  EXPECT_EQ(write_onnx(large.model, path, {.most_bytes = 100}).error().code, Code::Unsupported);
  expect_read_back(path, large.model);
}

TEST(OnnxWriter, TwoFilesAreWholeOrAsTheyWere) {
  const test::TemporaryFolder folder;
  const LargeModel large;
  const std::string path = folder / "net.onnx";
  ASSERT_TRUE(write_onnx(large.model, path, {.external_data = true}));
  const std::atomic<bool> cancel = true;
  const auto stopped = write_onnx(large.model, path, {.external_data = true, .cancel = &cancel});
  EXPECT_EQ(stopped.error().code, Code::Cancelled);
  {
    const test::SmallDisk disk(5000);
    EXPECT_EQ(write_onnx(large.model, path, {.external_data = true}).error().code, Code::Io);
  }
  EXPECT_EQ(folder.entries(), 2u);
  expect_read_back(path, large.model);
}

TEST(OnnxWriter, RefusesMoreThanProtobufHolds) {
  ModelData model = small_model();
  auto& tensor = model.graph.initializers[0];
  tensor.bytes = {tensor.bytes.data(), size_t{1} << 31};  // never read
  const Status status = write_onnx_to(model, [](std::span<const std::byte>) { return Status(); });
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("2 GiB at most"), std::string::npos);
}

TEST(OnnxWireWriter, WritesWhatTheReaderReads) {
  WireWriter inner, message;
  inner.integer(1, -1);
  message.real(3, 1.5f);
  message.message(200, inner);
  message.begin_bytes(4, 0);
  WireReader reader(test::onnx_bytes(message.bytes()));
  EXPECT_EQ(reader.next()->value, 0x3fc00000u);
  const WireField field = reader.next().value();
  EXPECT_EQ(field.number, 200u);
  EXPECT_EQ(static_cast<int64_t>(WireReader(field).next()->value), -1);
  EXPECT_TRUE(reader.next()->bytes.empty());
  EXPECT_TRUE(reader.is_done());
}

}  // namespace
}  // namespace verge::format::onnx
