#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include <verge/engine/kernels/attention.hpp>

#include "random_data.hpp"
#include "workspace.hpp"

namespace verge::kernels {
namespace {

struct Request {
  int64_t context;
  int64_t tokens;
};

struct Setting {
  DType dtype = DType::F16;
  int64_t heads, kv_heads, head_dim;
  float soft_cap = 0;
  int64_t window = 0;
  std::vector<Request> requests;
};

/// What a stored value is after rounding, done one by one.
double rounded(DType dtype, const float* row, int64_t i) {
  if (dtype == DType::F16) return f16_to_f32(f32_to_f16(row[i]));
  if (dtype == DType::BF16) return bf16_to_f32(f32_to_bf16(row[i]));
  if (dtype == DType::F32) return row[i];
  float largest = 0;
  for (int64_t j = i / 32 * 32; j < i / 32 * 32 + 32; ++j) {
    largest = std::max(largest, std::fabs(row[j]));
  }
  const float scale = largest / 127;
  return f16_to_f32(f32_to_f16(scale)) * std::nearbyint(row[i] / scale);
}

/// Attention of one head's query over keys [context, kv_heads * head_dim], by its definition.
std::vector<double> reference_attention(const Setting& s, const float* q, int64_t kv_head,
                                        int64_t position, const std::vector<float>& k,
                                        const std::vector<float>& v) {
  const int64_t dim = s.head_dim;
  const int64_t first = s.window > 0 ? std::max<int64_t>(0, position + 1 - s.window) : 0;
  std::vector<double> out(dim);
  double sum = 0;
  for (int64_t t = first; t <= position; ++t) {
    const float* key = k.data() + (t * s.kv_heads + kv_head) * dim;
    const float* value = v.data() + (t * s.kv_heads + kv_head) * dim;
    double score = 0;
    for (int64_t i = 0; i < dim; ++i) score += q[i] * rounded(s.dtype, key, i);
    score /= std::sqrt(static_cast<double>(dim));
    if (s.soft_cap > 0) score = s.soft_cap * std::tanh(score / s.soft_cap);
    const double weight = std::exp(score);
    sum += weight;
    for (int64_t i = 0; i < dim; ++i) out[i] += weight * rounded(s.dtype, value, i);
  }
  for (double& x : out) x /= sum;
  return out;
}

/// A batch whose pages are scattered over the pool, filled by kv_append in two calls.
struct PagedBatch {
  explicit PagedBatch(const Setting& s) : setting(s) {
    layout = {s.dtype, s.kv_heads, s.head_dim, 16};
    for (const Request& r : s.requests) pages += layout.pages_for(r.context);
    pool.resize(pages * layout.page_bytes());
    int64_t next = 0;
    uint64_t seed = 10;
    for (const Request& r : s.requests) {
      k.push_back(random_floats(r.context * s.kv_heads * s.head_dim, ++seed));
      v.push_back(random_floats(r.context * s.kv_heads * s.head_dim, ++seed));
      tables.emplace_back();
      for (int64_t i = 0; i < layout.pages_for(r.context); ++i) {
        tables.back().push_back(static_cast<int32_t>(pages - 1 - next++));
      }
      rows += r.tokens;
    }
    q = random_floats(rows * s.heads * s.head_dim, 5);
    out.assign(q.size(), NAN);
  }

  void append(Isa isa, ThreadPool& threads) {
    const int64_t stride = setting.kv_heads * setting.head_dim;
    for (size_t i = 0; i < setting.requests.size(); ++i) {
      const int64_t context = setting.requests[i].context;
      const int64_t half = context / 2;
      for (const auto& [first, count] : {std::pair{int64_t{0}, half}, {half, context - half}}) {
        const KvSequence part{tables[i].data(), first + count, first, count};
        threads.run([&](Worker& worker) {
          kv_append(isa, layout, pool.data(), &part, 1, k[i].data(), stride, v[i].data(), stride,
                    worker);
        });
      }
    }
  }

  void attend(Isa isa, ThreadPool& threads) {
    std::vector<KvSequence> sequences;
    int64_t row = 0;
    for (size_t i = 0; i < setting.requests.size(); ++i) {
      sequences.push_back(
          {tables[i].data(), setting.requests[i].context, row, setting.requests[i].tokens});
      row += setting.requests[i].tokens;
    }
    attend(isa, threads, sequences);
  }

  void attend(Isa isa, ThreadPool& threads, const std::vector<KvSequence>& sequences) {
    const int64_t stride = setting.heads * setting.head_dim;
    const int64_t count = static_cast<int64_t>(sequences.size());
    const float scale = 1 / std::sqrt(static_cast<float>(setting.head_dim));
    const PagedAttention attention{layout,        pool.data(), sequences.data(), count,
                                   setting.heads, scale,       setting.soft_cap, setting.window,
                                   q.data(),      stride,      out.data(),       stride};
    Workspace workspace(
        paged_attention_workspace_bytes(isa, layout, setting.heads, rows, count, threads.size()));
    threads.run([&](Worker& worker) { paged_attention(isa, attention, workspace.get(), worker); });
  }

  Setting setting;
  KvLayout layout;
  int64_t pages = 0;
  int64_t rows = 0;
  std::vector<std::byte> pool;
  std::vector<std::vector<float>> k, v;
  std::vector<std::vector<int32_t>> tables;
  std::vector<float> q, out;
};

void expect_attention(Isa isa, const Setting& s, double tolerance) {
  PagedBatch batch(s);
  ThreadPool threads(2);
  batch.append(isa, threads);
  batch.attend(isa, threads);
  int64_t row = 0;
  for (size_t i = 0; i < s.requests.size(); ++i) {
    for (int64_t token = 0; token < s.requests[i].tokens; ++token, ++row) {
      for (int64_t head = 0; head < s.heads; ++head) {
        const int64_t at = (row * s.heads + head) * s.head_dim;
        const auto want = reference_attention(s, batch.q.data() + at, head / (s.heads / s.kv_heads),
                                              s.requests[i].context - s.requests[i].tokens + token,
                                              batch.k[i], batch.v[i]);
        for (int64_t d = 0; d < s.head_dim; ++d) {
          ASSERT_NEAR(batch.out[at + d], want[d], tolerance)
              << name(isa) << " " << name(s.dtype) << " request " << i << " token " << token
              << " head " << head;
        }
      }
    }
  }
}

TEST(PagedAttention, DecodeAndPrefillAgreeWithTheDefinition) {
  const std::vector<Request> mixed = {{1, 1}, {700, 1}, {45, 45}, {300, 20}, {17, 2}, {33, 1}};
  const Setting settings[] = {
      {DType::F32, 4, 4, 16, 0, 0, mixed},  {DType::F32, 6, 2, 24, 0, 0, mixed},
      {DType::F16, 8, 2, 64, 0, 0, mixed},  {DType::BF16, 5, 1, 40, 0, 0, mixed},
      {DType::Q8_0, 4, 2, 96, 0, 0, mixed}, {DType::F16, 4, 2, 128, 30.0f, 0, mixed},
      {DType::F16, 4, 2, 32, 0, 50, mixed}, {DType::F32, 32, 1, 20, 5.0f, 7, mixed},
  };
  for (Isa isa : machine_isas()) {
    for (const Setting& setting : settings) {
      // Q8_0 may round a tie the other way than the reference's division does.
      expect_attention(isa, setting, setting.dtype == DType::Q8_0 ? 3e-3 : 1e-5);
    }
  }
}

TEST(PagedAttention, TilesMeetOverLongPrompts) {
  for (Isa isa : machine_isas()) {
    expect_attention(isa, {DType::F16, 4, 2, 32, 0, 0, {{400, 290}}}, 1e-5);
    expect_attention(isa, {DType::F16, 2, 2, 16, 0, 130, {{600, 300}}}, 1e-5);
  }
}

TEST(PagedAttention, CutsOfAPromptDoNotChangeBits) {
  const std::vector<Request> whole = {{400, 390}};
  const Setting settings[] = {{DType::F16, 7, 1, 64, 0, 0, whole},
                              {DType::F32, 4, 2, 24, 0, 50, whole},
                              {DType::Q8_0, 6, 2, 32, 20.0f, 150, whole}};
  ThreadPool threads(2);
  Rng rng(3);
  for (Isa isa : machine_isas()) {
    for (const Setting& setting : settings) {
      PagedBatch batch(setting);
      batch.append(isa, threads);
      batch.attend(isa, threads);
      const std::vector<float> expected = batch.out;
      const int64_t least = least_tiled_tokens(setting.heads, setting.kv_heads);
      std::fill(batch.out.begin(), batch.out.end(), NAN);
      for (int64_t first = 0; first < 390;) {
        int64_t last = first + least + rng.below(90);
        if (390 - last < least) last = 390;
        batch.attend(isa, threads, {{batch.tables[0].data(), 10 + last, first, last - first}});
        first = last;
      }
      EXPECT_EQ(batch.out, expected) << name(isa) << " window " << setting.window;
    }
  }
}

TEST(PagedAttention, ASequenceDoesNotDependOnTheOthers) {
  const std::vector<Request> requests = {{60, 40}, {700, 1}, {45, 45}, {17, 2}, {300, 1}};
  ThreadPool threads(2);
  for (Isa isa : machine_isas()) {
    PagedBatch batch({DType::F16, 8, 2, 64, 0, 0, requests});
    batch.append(isa, threads);
    batch.attend(isa, threads);
    const std::vector<float> expected = batch.out;
    std::fill(batch.out.begin(), batch.out.end(), NAN);
    int64_t row = batch.rows;
    for (size_t i = requests.size(); i-- > 0;) {
      row -= requests[i].tokens;
      batch.attend(isa, threads,
                   {{batch.tables[i].data(), requests[i].context, row, requests[i].tokens}});
    }
    EXPECT_EQ(batch.out, expected) << name(isa);
  }
}

TEST(PagedAttention, ThreadsDoNotChangeBits) {
  const Setting setting{DType::F16, 8, 2, 64, 0, 0, {{900, 1}, {5000, 1}, {100, 90}}};
  std::vector<std::vector<float>> results;
  for (int count : {1, 2, 3}) {
    PagedBatch batch(setting);
    ThreadPool threads(count);
    batch.append(best_isa(), threads);
    batch.attend(best_isa(), threads);
    results.push_back(batch.out);
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

}  // namespace
}  // namespace verge::kernels
