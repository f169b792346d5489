#pragma once
// The shipped model without its heads, and a text that it did not learn.

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <paths.hpp>
#include <tiny_models.hpp>

#include <verge/stages/adapt/exits/adapt_exits.hpp>

namespace verge::adapt::test_exits {

/// Six layers, width 256; its heads stood after two and four.
inline std::string write_base(const test::TemporaryFolder& folder) {
  const std::string shipped = test::source_file("models/verge-lm.gguf");
  auto source = format::ModelSource::open(shipped);
  EXPECT_TRUE(source.ok());
  format::Metadata metadata = source->metadata;
  for (const char* key : {"verge.exit_layers", "verge.exit.2.norm", "verge.exit.4.norm"}) {
    EXPECT_TRUE(metadata.contains(key)) << key;
    metadata.remove(key);
  }
  metadata.remove("verge.exit.temperature");
  format::GgufWriter writer(metadata);
  for (const auto& tensor : source->tensors()) EXPECT_TRUE(writer.add(tensor));
  const std::string path = folder / "base.gguf";
  EXPECT_TRUE(writer.write(path));
  return path;
}

/// A few minutes' worth in steps of a tenth of a second.
inline AdaptExitsOptions quick_options(const test::TemporaryFolder& folder) {
  AdaptExitsOptions options;
  options.model = write_base(folder);
  options.layers = {2, 4};
  options.data = {test::source_file("LICENSE")};
  options.batch = 4;
  options.context = 32;
  options.held_out = 0.1;
  options.schedule = {.peak = 3e-3, .warmup = 2, .steps = 20, .final_share = 0.1};
  options.output = folder / "exits.gguf";
  return options;
}

}  // namespace verge::adapt::test_exits
