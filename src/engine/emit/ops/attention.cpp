// Rotary position embedding, and attention over a cache of keys and values that stays between runs.

#include <verge/engine/emit/c_op.hpp>
#include <verge/engine/emit/program_parts.hpp>
#include <verge/engine/emit/shared_code.hpp>

namespace verge::emit::ops {
namespace {

constexpr std::string_view kRopeAngles = R"(
/* Of each position the cosines of its angles, then the sines. */
static void op_rope_angles(const int32_t *positions, const float *frequencies, float *y,
                           long tokens, long pairs, float magnitude) {
  for (long token = 0; token < tokens; ++token, y += 2 * pairs) {
    for (long i = 0; i < pairs; ++i) {
      const double angle = (double)positions[token] * frequencies[i];
      y[i] = magnitude * (float)cos(angle);
      y[pairs + i] = magnitude * (float)sin(angle);
    }
  }
}
)";

void rope_angles(CNode& node) {
  node.call("op_rope_angles", node.read(0, DType::I32), node.read(1), node.write(),
            node.in(0).count(), node.in(1).count(), c_float(node.attrs().real("magnitude", 1)));
}

constexpr std::string_view kRope = R"(
/* Turns pairs of each head by the angles of its token: neighbours, or `apart` from each other. */
static void op_rope(const float *x, const float *angles, float *y, long rows, long heads,
                    long tokens, long head_dim, long pairs, long step, long apart, float sign) {
  for (long row = 0; row < rows; ++row, x += head_dim, y += head_dim) {
    const float *cosines = angles + row / heads % tokens * 2 * pairs, *sines = cosines + pairs;
    for (long i = 0; i < pairs; ++i) {
      const float a = x[i * step], b = x[i * step + apart], sine = sign * sines[i];
      y[i * step] = a * cosines[i] - b * sine;
      y[i * step + apart] = a * sine + b * cosines[i];
    }
    for (long i = 2 * pairs; i < head_dim; ++i) y[i] = x[i];
  }
}
)";

void rope(CNode& node) {
  const Shape x = node.in(0), angles = node.in(1);
  const bool interleaved = node.attrs().text("pairs", "half") == "interleaved";
  const int64_t pairs = angles.back() / 2;
  node.call("op_rope", node.read(0), node.read(1), node.write(), x.rows(), x[x.rank() - 2],
            angles[0], x.back(), pairs, interleaved ? 2 : 1, interleaved ? 1 : pairs,
            node.attrs().integer("inverse") != 0 ? "-1" : "1");
}

constexpr std::string_view kAppend = R"(
/* Puts keys and values [tokens][kv_heads][head_dim] into their slots of the cache
   [pages][2][kv_heads][page_tokens][head_dim]. */
static void op_kv_append@suffix(@type *cache, const float *keys, const float *values,
                         const int32_t *slots, const int32_t *tokens, long writes, long kv_heads,
                         long page_tokens, long head_dim) {
  for (long i = 0; i < writes * 2 * kv_heads; ++i) {
    const long write = i / (2 * kv_heads), side = i / kv_heads % 2, head = i % kv_heads;
    const long page = slots[write] / page_tokens, place = slots[write] % page_tokens;
    const float *from = (side ? values : keys) + (tokens[write] * kv_heads + head) * head_dim;
    @type *to = cache + (((page * 2 + side) * kv_heads + head) * page_tokens + place) * head_dim;
    for (long j = 0; j < head_dim; ++j) to[j] = @store(from[j]);
  }
}
)";

constexpr std::string_view kDotHalf = R"(
static float dot_half(const float *a, const uint16_t *b, long n) {
  const long whole = n - n % 8;
  float sums[8] = {0}, sum = 0;
  for (long i = 0; i < whole; i += 8) {
    for (int part = 0; part < 8; ++part) sums[part] += a[i + part] * half_value(b[i + part]);
  }
  for (long i = whole; i < n; ++i) sum += a[i] * half_value(b[i]);
  for (int part = 0; part < 8; ++part) sum += sums[part];
  return sum;
}
)";

constexpr std::string_view kAttention = R"(
/* Each head q [tokens][heads][head_dim] over the keys and values of its sequence's positions up to
   its own. What is summed shrinks when a greater score comes, so that no scores are kept. */
static void op_paged_attention@suffix(const float *q, const @type *cache, const int32_t *table,
                               const int32_t *sequences, const int32_t *positions, float *y,
                               long tokens, long heads, long kv_heads, long head_dim,
                               long page_tokens, long pages, long window, float scale, float cap) {
  for (long row = 0; row < tokens * heads; ++row, q += head_dim, y += head_dim) {
    const long token = row / heads, head = row % heads / (heads / kv_heads);
    const long last = positions[token];
    float most = -INFINITY, sum = 0;
    for (long j = 0; j < head_dim; ++j) y[j] = 0;
    for (long at = window > 0 && last >= window ? last - window + 1 : 0; at <= last; ++at) {
      const long page = table[sequences[token] * pages + at / page_tokens];
      const @type *key =
          cache + ((page * 2 * kv_heads + head) * page_tokens + at % page_tokens) * head_dim;
      const @type *value = key + kv_heads * page_tokens * head_dim;
      float score = scale * @dot(q, key, head_dim), weight;
      if (cap > 0) score = cap * tanhf(score / cap);
      if (score > most) {
        const float shrink = expf(most - score);
        sum *= shrink;
        for (long j = 0; j < head_dim; ++j) y[j] *= shrink;
        most = score;
      }
      weight = expf(score - most);
      sum += weight;
      for (long j = 0; j < head_dim; ++j) y[j] += weight * @load(value[j]);
    }
    for (long j = 0; j < head_dim; ++j) y[j] /= sum;
  }
}
)";

// The C of a cache of floats or of 16-bit ones.
std::string of_cache(std::string_view code, bool is_half) {
  return with_parts(std::string(code), {{"@suffix", is_half ? "_f16" : ""},
                                        {"@type", is_half ? "uint16_t" : "float"},
                                        {"@store", is_half ? "to_half" : ""},
                                        {"@load", is_half ? "half_value" : ""},
                                        {"@dot", is_half ? "dot_half" : "dot"}});
}

DType cache_type(const CNode& node, size_t input) {
  return node.dtype(input) == DType::F16 ? DType::F16 : DType::F32;
}

void kv_append(CNode& node) {
  const DType type = cache_type(node, 0);
  const bool is_half = type == DType::F16;
  const Shape cache = node.in(0);
  if (is_half) node.use(kToHalf);
  node.use(of_cache(kAppend, is_half));
  node.call(is_half ? "op_kv_append_f16" : "op_kv_append", node.write(0, type), node.read(1),
            node.read(2), node.read(3, DType::I32), node.read(4, DType::I32), node.in(3).count(),
            cache[2], cache[3], cache[4]);
}

void paged_attention(CNode& node) {
  const DType type = cache_type(node, 1);
  const bool is_half = type == DType::F16;
  const Shape q = node.in(0), cache = node.in(1);
  node.use(is_half ? kHalf : kDot);
  if (is_half) node.use(kDotHalf);
  node.use(of_cache(kAttention, is_half));
  node.call(is_half ? "op_paged_attention_f16" : "op_paged_attention", node.read(0),
            node.read(1, type), node.read(2, DType::I32), node.read(3, DType::I32),
            node.read(4, DType::I32), node.write(), q[0], q[1], cache[2], q[2], cache[3],
            node.in(2)[1], node.attrs().integer("window"), c_float(node.attrs().real("scale", 1)),
            c_float(node.attrs().real("softcap")));
}

}  // namespace

COpGroup attention() {
  return {{
      {"rope_angles", {}, std::string(kRopeAngles), {"magnitude"}, 2, rope_angles},
      {"rope", {}, std::string(kRope), {"inverse", "pairs"}, 2, rope},
      {"kv_append", {}, "", {}, 5, kv_append},
      {"paged_attention",
       {},
       "",
       {"page_tokens", "scale", "softcap", "window"},
       5,
       paged_attention},
  }};
}

}  // namespace verge::emit::ops
