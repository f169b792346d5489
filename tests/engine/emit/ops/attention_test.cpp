#include "../c_check.hpp"

namespace verge::emit {
namespace {

TEST(CAttention, RopeAgreesWithTheReference) {
  expect_c("rope_angles",
           {{.dims = {3}, .values = {0, 5, 700}, .dtype = DType::I32},
            {.dims = {4}, .values = {1, 0.1, 0.01, 0.001}}},
           {{"magnitude", 1.25}});
  for (const char* pairs : {"half", "interleaved"}) {
    for (const int64_t inverse : {0, 1}) {
      // 6 of 8 elements of a head turn; the second batch by the angles of the first.
      expect_c("rope", {{.dims = {2, 3, 2, 8}}, {.dims = {3, 6}}},
               {{"pairs", pairs}, {"inverse", inverse}});
    }
  }
}

struct CacheCase {
  DType dtype = DType::F32;
  int64_t window = 0;
  double softcap = 0;
};

// Two sequences over pages that are not in order; the second has tokens at 5 and 6, a page apart
// from its first. Runs see what the runs before have kept.
graph::Graph cached_attention(const CacheCase& of) {
  graph::Builder b("attention");
  const auto i32 = [&](const char* name, graph::Dims dims) {
    return b.input(name, {DType::I32, dims});
  };
  const auto cache = b.state("kv", {of.dtype, {5, 2, 2, 4, 8}});
  const auto k = b.input("k", {DType::F32, {3, 2, 8}}), v = b.input("v", {DType::F32, {3, 2, 8}});
  const auto kept = b.op("kv_append", {cache, k, v, i32("slots", {4}), i32("slot_tokens", {4})});
  b.output(b.op("paged_attention",
                {b.input("q", {DType::F32, {3, 4, 8}}), kept, i32("table", {2, 2}),
                 i32("sequences", {3}), i32("positions", {3})},
                {{"scale", 0.35},
                 {"softcap", of.softcap},
                 {"page_tokens", int64_t{4}},
                 {"window", of.window}}),
           "y");
  return *b.finish();
}

void expect_cached(const CacheCase& of) {
  SCOPED_TRACE(fmt::format("{} {} {}", name(of.dtype), of.window, of.softcap));
  CCheck(cached_attention(of), {{"slots", {2, 17, 18, 19}},
                                {"slot_tokens", {0, 1, 2, 2}},
                                {"table", {0, 1, 3, 4}},
                                {"sequences", {0, 1, 1}},
                                {"positions", {2, 5, 6}}})
      .expect_equal(1e-5, 2, true);
}

TEST(CAttention, OverACacheAgreesWithTheReference) {
  expect_cached({});
  expect_cached({.window = 3});
  expect_cached({.softcap = 2.5});
  expect_cached({.dtype = DType::F16});
  expect_cached({.dtype = DType::F16, .window = 2, .softcap = 1});
}

// The cache of halves rounds as f32_to_f16 does, also where values are tiny or beyond all halves.
TEST(CAttention, HalvesAreTheNearest) {
  const std::vector<double> k = {
      0,     1e-8,    3e-8,  5.9e-8, 6.1e-5, 6.09e-5, 1.0009765625, 1.00048828125,
      65504, 65519.9, 65520, -1e30,  2049,   2051,    -0.1,         1e-6};
  graph::Builder b("halves");
  const auto cache = b.state("kv", {DType::F16, {1, 2, 1, 1, 16}});
  const auto zero = b.input("zero", {DType::I32, {1}});
  const auto x = b.input("k", {DType::F32, {1, 1, 16}});
  b.op("kv_append", {cache, x, x, zero, zero});
  b.output(b.op("exp", {b.input("z", {DType::F32, {1}})}), "y");
  CCheck(*b.finish(), {{"k", k}, {"zero", {0}}}).expect_equal(0);
}

}  // namespace
}  // namespace verge::emit
