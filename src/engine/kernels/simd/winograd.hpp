#pragma once
// Winograd's transforms, written on F32 with a tile in each lane; winograd_tiles.hpp says what each
// does.

#include <verge/engine/kernels/simd/conv_epilogue.hpp>
#include <verge/engine/kernels/simd/lanes.hpp>
#include <verge/engine/kernels/winograd_tiles.hpp>

namespace verge::kernels::VERGE_ISA {

/// F(2, 3): B^T, A^T and how tiles, 2 apart, are taken from a row and put into one.
struct Winograd2 {
  static constexpr int kOut = 2, kIn = 4, kRead = 4;
  static VERGE_INLINE void input(const F32* d, F32* t) {
    t[0] = d[0] - d[2];
    t[1] = d[1] + d[2];
    t[2] = d[2] - d[1];
    t[3] = d[1] - d[3];
  }
  static VERGE_INLINE void output(const F32* s, F32* y) {
    y[0] = s[0] + s[1] + s[2];
    y[1] = s[1] - s[2] - s[3];
  }
  static VERGE_INLINE void split(const float* row, F32* d) {
    for (int i = 0; i < 2; ++i) {
      const F32 a = load(row + 2 * i), b = load(row + 2 * i + kLanes);
      d[2 * i] = even_lanes(a, b);
      d[2 * i + 1] = odd_lanes(a, b);
    }
  }
  static VERGE_INLINE void join(const F32* y, float* row) {
    store(row, interleave_low(y[0], y[1]));
    store(row + kLanes, interleave_high(y[0], y[1]));
  }
};

/// F(4, 3).
struct Winograd4 {
  static constexpr int kOut = 4, kIn = 6, kRead = 6;
  static VERGE_INLINE void input(const F32* d, F32* t) {
    const F32 a = d[4] - 4.0f * d[2], b = d[3] - 4.0f * d[1];
    const F32 c = d[4] - d[2], e = 2.0f * (d[3] - d[1]);
    t[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
    t[1] = a + b;
    t[2] = a - b;
    t[3] = c + e;
    t[4] = c - e;
    t[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
  }
  static VERGE_INLINE void output(const F32* s, F32* y) {
    const F32 a = s[1] + s[2], b = s[1] - s[2];
    const F32 c = s[3] + s[4], e = s[3] - s[4];
    y[0] = s[0] + a + c;
    y[1] = b + 2.0f * e;
    y[2] = a + 4.0f * c;
    y[3] = b + 8.0f * e + s[5];
  }
  static VERGE_INLINE void split(const float* row, F32* d) {
    F32 even[2], odd[2];
    pairs(row, even, odd);
    d[0] = even_lanes(even[0], even[1]);
    d[1] = even_lanes(odd[0], odd[1]);
    d[2] = odd_lanes(even[0], even[1]);
    d[3] = odd_lanes(odd[0], odd[1]);
    pairs(row + 4, even, odd);
    d[4] = even_lanes(even[0], even[1]);
    d[5] = even_lanes(odd[0], odd[1]);
  }
  static VERGE_INLINE void join(const F32* y, float* row) {
    for (int half = 0; half < 2; ++half) {
      const F32 a = half == 0 ? interleave_low(y[0], y[2]) : interleave_high(y[0], y[2]);
      const F32 b = half == 0 ? interleave_low(y[1], y[3]) : interleave_high(y[1], y[3]);
      store(row + 2 * half * kLanes, interleave_low(a, b));
      store(row + (2 * half + 1) * kLanes, interleave_high(a, b));
    }
  }

 private:
  static VERGE_INLINE void pairs(const float* row, F32* even, F32* odd) {
    for (int i = 0; i < 2; ++i) {
      const F32 a = load(row + 2 * i * kLanes), b = load(row + (2 * i + 1) * kLanes);
      even[i] = even_lanes(a, b);
      odd[i] = odd_lanes(a, b);
    }
  }
};

/// Calls body(image, tile row, first tile of it, number, column of the block) for every row of
/// tiles, or part of one, in the block.
template <typename Body>
VERGE_INLINE void for_tile_rows(const WinogradTiles& tiles, Body body) {
  int64_t row = tiles.first / tiles.across, tile = tiles.first % tiles.across;
  for (int64_t at = 0; at < tiles.count; ++row, tile = 0) {
    const int64_t left = tiles.count - at;
    const int64_t run = tiles.across - tile < left ? tiles.across - tile : left;
    body(row / tiles.down, row % tiles.down, tile, run, at);
    at += run;
  }
}

/// Runs of tiles shorter than a vector that share one: a lane for each tile and one between runs,
/// whose tiles overlap nothing.
struct TileGroup {
  int64_t lanes = 0;   // taken
  unsigned tiles = 0;  // the lanes of tiles
  int64_t column = 0, count = 0;

  VERGE_INLINE bool fits(int64_t run) const { return lanes + run <= kLanes; }
  VERGE_INLINE void add(int64_t run, int64_t at) {
    if (count == 0) column = at;
    tiles |= ((1u << run) - 1) << lanes;
    count += run;
    lanes += run + 1;
  }
};

/// The rows of some tiles, transformed down already, are transformed across and stored.
template <class F>
VERGE_INLINE void store_rows(const float* rows, int64_t pitch, const TileGroup& group,
                             int64_t plane, float* v) {
  const bool is_dense = (group.tiles & (group.tiles + 1)) == 0;
  for (int i = 0; i < F::kIn; ++i) {
    F32 d[F::kRead], t[F::kIn];
    F::split(rows + i * pitch, d);
    F::input(d, t);
    for (int j = 0; j < F::kIn; ++j) {
      store_some(v + (i * F::kIn + j) * plane + group.column,
                 is_dense ? t[j] : compress(t[j], group.tiles), group.count);
    }
  }
}

/// Tiles of F::kRead x F::kRead values, F::kOut apart, become F::kIn x F::kIn.
template <class F>
void load_tiles(const WinogradTiles& tiles, const float* x, int64_t image_stride, float* scratch,
                int64_t plane, float* v) {
  constexpr int64_t kOverlap = F::kRead - F::kOut;
  const float* zeros = scratch;
  const int64_t pitch = F::kOut * tiles.across + kWinogradSlack;
  TileGroup group;
  const auto flush = [&] {
    if (group.count > 0) store_rows<F>(scratch + tiles.width, pitch, group, plane, v);
    group = {};
  };
  for_tile_rows(
      tiles, [&](int64_t image, int64_t tile_row, int64_t tile, int64_t run, int64_t column) {
        if (!group.fits(run) || !kCompresses) flush();
        float* rows = scratch + tiles.width + group.lanes * F::kOut;
        // Columns of the image under these tiles: [begin, end), `shift` into the rows.
        const int64_t wanted = tile * F::kOut - tiles.pad_left;
        const int64_t begin = wanted > 0 ? wanted : 0;
        int64_t end = wanted + run * F::kOut + kOverlap;
        if (end > tiles.width) end = tiles.width;
        const int64_t shift = begin - wanted;
        const int64_t count = end > begin ? end - begin : 0;
        const float* in[F::kRead];
        for (int i = 0; i < F::kRead; ++i) {
          const int64_t y = tile_row * F::kOut + i - tiles.pad_top;
          in[i] = y < 0 || y >= tiles.height ? zeros
                                             : x + image * image_stride + y * tiles.width + begin;
        }
        for (int i = 0; i < F::kIn; ++i) {
          float* row = rows + i * pitch;
          for (int64_t c = 0; c < shift; ++c) row[c] = 0;
          for (int64_t c = shift + count; c < run * F::kOut + kOverlap; ++c) row[c] = 0;
        }
        for_vectors(count, [&](int64_t c, int64_t lanes) {
          F32 d[F::kRead], t[F::kIn];
          for (int i = 0; i < F::kRead; ++i) d[i] = load_some(in[i] + c, lanes);
          F::input(d, t);
          for (int i = 0; i < F::kIn; ++i) store_some(rows + i * pitch + shift + c, t[i], lanes);
        });
        if (run < kLanes) return group.add(run, column);
        for_vectors(run, [&](int64_t c, int64_t lanes) {
          TileGroup some;
          some.add(lanes, column + c);
          store_rows<F>(rows + c * F::kOut, pitch, some, plane, v);
        });
      });
  flush();
}

/// The results of kLanes tiles as kOut rows of kOut * kLanes values.
template <class F>
VERGE_INLINE void results_of(const float* sums, int64_t plane, float* rows) {
  F32 half[F::kOut][F::kIn];
  for (int j = 0; j < F::kIn; ++j) {
    F32 s[F::kIn], y[F::kOut];
    for (int i = 0; i < F::kIn; ++i) s[i] = load(sums + (i * F::kIn + j) * plane);
    F::output(s, y);
    for (int r = 0; r < F::kOut; ++r) half[r][j] = y[r];
  }
  for (int r = 0; r < F::kOut; ++r) {
    F32 y[F::kOut];
    F::output(half[r], y);
    F::join(y, rows + r * F::kOut * kLanes);
  }
}

template <class F>
void store_tiles(const WinogradTiles& tiles, const float* sums, int64_t plane, float bias,
                 const Conv2d& conv, float* y, const float* residual, const float* passed,
                 int64_t image_stride) {
  constexpr int64_t kRow = F::kOut * kLanes;
  alignas(64) float rows[F::kOut * kRow + kLanes];
  int64_t ready = -1;  // the vector of columns whose results stand in `rows`
  with_epilogue(&conv, [&](auto finish) {
    for_tile_rows(tiles, [&](int64_t image, int64_t tile_row, int64_t tile, int64_t run,
                             int64_t column) {
      for (int64_t done = 0; done < run;) {
        const int64_t at = column + done, vector = at / kLanes, lane = at % kLanes;
        if (vector != ready) results_of<F>(sums + vector * kLanes, plane, rows);
        ready = vector;
        const int64_t some = kLanes - lane < run - done ? kLanes - lane : run - done;
        const int64_t x = (tile + done) * F::kOut;
        const int64_t room = tiles.out_width - x;
        const int64_t count = some * F::kOut < room ? some * F::kOut : room;
        for (int64_t r = 0; r < F::kOut && tile_row * F::kOut + r < tiles.out_height; ++r) {
          const int64_t place =
              image * image_stride + (tile_row * F::kOut + r) * tiles.out_width + x;
          const float* other = residual == nullptr ? nullptr : residual + place;
          const float* mask = passed == nullptr ? nullptr : passed + place;
          const float* from = rows + r * kRow + lane * F::kOut;
          for_vectors(count, [&](int64_t i, int64_t lanes) {
            store_some(y + place + i, finish(load(from + i) + bias, other, i, lanes, mask), lanes);
          });
        }
        done += some;
      }
    });
  });
}

}  // namespace verge::kernels::VERGE_ISA
