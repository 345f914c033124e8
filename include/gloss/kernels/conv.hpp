// Convolutions as matrix products whose second factor is never stored: the thread that computes a panel of the result
// gathers the cells for it, a block that stays in its cache. Gradients likewise.
#pragma once

#include <gloss/kernels/conv/cells.hpp>
#include <gloss/kernels/conv/depthwise.hpp>
#include <gloss/kernels/conv/patches.hpp>
#include <gloss/kernels/conv/pointwise.hpp>
#include <gloss/kernels/conv/winograd.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {

/// A panel's cells of up to 4 KiB a column stay together in the second-level cache: y is written once.
template <class T>
constexpr Index conv_depth(Index depth) {
  return depth <= 4096 / static_cast<Index>(sizeof(T)) ? depth : gemm_depth<T>(depth);
}

/// One panel of y, rows [6 tile, 6 tile_end) of a group's channels: places [q, q + columns) of the images.
template <class T>
void conv_panel(const GemmKernels<T>& kernels, const ConvCells<T>& x, const T* weight, const T* bias, T* y, Index group,
                Index q, Index columns, Index tile, Index tile_end) {
  const Conv& c = x.c;
  const Index width = kernels.width(columns);
  const Index places = c.places(), depth = c.depth(), block = conv_depth<T>(depth);
  Run runs[most_places];
  const Index n = x.cut(q, columns, runs);
  T* const packed = workspace<0>().template get<T>(block * width + max_lanes);
  const bool direct = columns == width && q % places + columns <= places;
  T* const first = y + q / places * c.y_image() + group * c.outs * places + q % places;
  T beside[tile_rows * max_vectors * max_lanes];  // for panels that are narrow or go over the end of an image
  const auto each_piece = [&](T* row, T* out, auto move) {
    for (Index i = 0, at = q % places, length; i < columns; i += length, at = 0) {
      length = places - at < columns - i ? places - at : columns - i;
      move(row + i, out, static_cast<std::size_t>(length) * sizeof(T));
      out += c.y_image() - at;
    }
  };
  const Index* const offsets = tap_offsets(x.plane);
  for (Index p = 0; p < depth; p += block) {
    const Index k = depth - p < block ? depth - p : block;
    ConvRow row(x.plane, offsets, p);
    const T* const cells = x.cells + group * c.ins * x.plane.size();
    for (Index i = 0; i < k; ++i, row.next()) {
      gather_runs(runs, n, x.plane.step(), cells + row.at(), packed + i * width);
      for (Index j = columns; j < width; ++j) packed[i * width + j] = T(0);
    }
    for (Index t = tile; t < tile_end; ++t) {
      const Index o = t * tile_rows, stop = c.outs - o < tile_rows ? c.outs - o : tile_rows;
      T* const out = direct ? first + o * places : beside;
      const Index ld = direct ? places : width;
      if (direct) {  // it comes while the sums are made: stores would wait for it
        for (Index i = 0; i < stop; ++i)
          for (Index j = 0; j < width; j += 64 / static_cast<Index>(sizeof(T))) GLOSS_PREFETCH(out + i * ld + j, 1);
      } else if (p > 0) {
        for (Index i = 0; i < stop; ++i)
          each_piece(beside + i * width, first + (o + i) * places,
                     [](T* r, const T* from, std::size_t bytes) { std::memcpy(r, from, bytes); });
      }
      gemm_rows(kernels, stop, width, width, k, weight + (group * c.outs + o) * depth + p, depth, Index{1},
                static_cast<const T*>(packed), width, out, ld, T(1), p == 0 ? T(0) : T(1));
      if (p + k == depth && bias != nullptr)
        for (Index i = 0; i < stop; ++i)
          for (Index j = 0; j < width; j += lanes<T>)
            store<T>(out + i * ld + j, load<T>(out + i * ld + j) + bias[group * c.outs + o + i]);
      if (direct) continue;
      for (Index i = 0; i < stop; ++i)
        each_piece(beside + i * width, first + (o + i) * places,
                   [](const T* r, T* to, std::size_t bytes) { std::memcpy(to, r, bytes); });
    }
  }
}

/// Places of y in panels, as gemm_by_panels does columns: a thread gets a run of panels, the first and the last perhaps
/// not with all their channels.
template <class T>
void conv_by_panels(const Conv& c, const T* x, const T* weight, const T* bias, T* y, T* scratch) {
  const GemmKernels<T>& kernels = GLOSS_ON_ISA(detail::gemm_kernels<T>);
  const Index tiles = (c.outs + tile_rows - 1) / tile_rows;
  const Index chunk = tiles < 32 ? 1 : tiles / 16;
  const Index chunks = (tiles + chunk - 1) / chunk;
  conv_images(c, conv_plane(c), x, scratch, [&](const ConvCells<T>& cells, Index image, Index images) {
    const Index places = images * c.places();
    const Index panels = (places + kernels.width() - 1) / kernels.width();
    const Index work = chunk * tile_rows * kernels.width() * c.depth();
    parallel_for(c.groups * panels * chunks, work_per_thread / (work + 1) + 1, [&](Index unit, Index end) {
      while (unit < end) {
        const Index from = unit % chunks;
        const Index to = from + (end - unit) < chunks ? from + (end - unit) : chunks;
        const Index q = unit / chunks % panels * kernels.width();
        conv_panel(kernels, cells, weight, bias, y + image * c.y_image(), unit / chunks / panels, q,
                   places - q < kernels.width() ? places - q : kernels.width(), from * chunk,
                   to * chunk < tiles ? to * chunk : tiles);
        unit += to - from;
      }
    });
  });
}

/// The weight as turned() wants it: [groups, ins, outs, taps], the last tap first.
template <class T>
void turn_weight(const Conv& c, const T* weight, T* out) {
  const Index taps = c.taps();
  parallel_for(c.groups * c.ins, 16384 / (c.outs * taps + 1) + 1, [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r)
      for (Index o = 0; o < c.outs; ++o) {
        const T* const from = weight + ((r / c.ins * c.outs + o) * c.ins + r % c.ins) * taps;
        for (Index t = 0; t < taps; ++t) out[(r * c.outs + o) * taps + t] = from[taps - 1 - t];
      }
  });
}

/// How many of a group's channels a thread takes at once in conv_by_columns: their rows of the matrix of cells are
/// whole tiles, and some.
inline Index channels_at_once(const Conv& c) {
  Index whole = 1;
  while (whole * c.taps() % tile_rows != 0) ++whole;
  Index channels = whole;
  while (channels * c.taps() < 96 && channels < c.ins) channels += whole;
  return channels;
}

/// dx for any stride: the gradients of the cells, panel by panel, each added to the plane where it belongs. A thread
/// has some channels of an image, so that no two add to the same cell. tiles: the weight of every group, packed.
template <class T>
void conv_by_columns(const Conv& c, const T* dy, const T* weight, T* dx, T* tiles) {
  const GemmKernels<T>& kernels = GLOSS_ON_ISA(detail::gemm_kernels<T>);
  const Plane plane = Plane::copied(c.h, c.w);
  const Index depth = c.depth(), places = c.places(), width = kernels.width();
  const Index tile_size = packed_tile_size<T>(c.outs), group_size = (depth + tile_rows - 1) / tile_rows * tile_size;
  parallel_for(c.groups, 1, [&](Index begin, Index end) {
    for (Index g = begin; g < end; ++g)
      pack_tiles(c.outs, depth, weight + g * c.outs * depth, depth, tiles + g * group_size);
  });
  const Index channels = channels_at_once(c), chunks = (c.ins + channels - 1) / channels;
  const Index work = channels * c.taps() * c.outs * places;
  parallel_for(c.batch * c.groups * chunks, work_per_thread / (work + 1) + 1, [&](Index begin, Index end) {
    T* const packed = workspace<0>().template get<T>(c.outs * width);
    T* const cells = workspace<1>().template get<T>(channels * plane.size());
    const Index* const offsets = tap_offsets(plane);
    T block[tile_rows * max_vectors * max_lanes];
    Run runs[most_places];
    for (Index unit = begin; unit < end; ++unit) {
      const Index first = unit % chunks * channels, group = unit / chunks % c.groups, n = unit / chunks / c.groups;
      const Index count = c.ins - first < channels ? c.ins - first : channels, rows = count * c.taps();
      std::memset(cells, 0, static_cast<std::size_t>(count * plane.size()) * sizeof(T));
      for (Index q = 0; q < places; q += width) {
        const Index columns = places - q < width ? places - q : width;
        const Index wide = columns > width / 2 ? width : width / 2;
        const Index pieces = ConvCells<T>{c, plane, nullptr, 0}.cut(q, columns, runs);
        pack_rows(c.outs, columns, wide, dy + n * c.y_image() + group * c.outs * places + q, places, packed);
        ConvRow row(plane, offsets, 0);
        for (Index r = 0; r < rows; r += tile_rows) {
          const Index stop = rows - r < tile_rows ? rows - r : tile_rows;
          const Index tile = (first * c.taps() + r) / tile_rows;
          gemm_rows(kernels, stop, wide, wide, c.outs,
                    static_cast<const T*>(tiles) + group * group_size + tile * tile_size, Index{1}, Index{tile_rows},
                    static_cast<const T*>(packed), wide, block, wide, T(1), T(0));
          for (Index i = 0; i < stop; ++i, row.next()) {
            const T* from = block + i * wide;
            for (Index e = 0; e < pieces; ++e) {
              T* const to = cells + row.at() + runs[e].from;
              each_vector<T>(runs[e].count, [&](Index j, Index m) GLOSS_INLINE_LAMBDA {
                store_n<T>(to + j, load_n<T>(to + j, m) + load_n<T>(from + j, m), m);
              });
              from += runs[e].count;
            }
          }
        }
      }
      for (Index i = 0; i < count; ++i)
        crop_plane(plane, static_cast<const T*>(cells) + i * plane.size(),
                   dx + n * c.x_image() + (group * c.ins + first + i) * c.cells());
    }
  });
}

/// dweight^T [groups, depth, whole_tiles(outs)], the sum over all places in order: cells times dy^T, of which a thread
/// packs what its panel needs.
template <class T>
void conv_weight_transposed(const Conv& c, const T* x, const T* dy, T* dweight, T* scratch) {
  const GemmKernels<T>& kernels = GLOSS_ON_ISA(detail::gemm_kernels<T>);
  const Index depth = c.depth(), places = c.places(), padded = whole_tiles<T>(c.outs);
  const Index tiles = (depth + tile_rows - 1) / tile_rows, panels = (c.outs + kernels.width() - 1) / kernels.width();
  constexpr Index row_size = most_places + 2 * max_lanes;
  conv_images(c, conv_plane(c, true), x, scratch, [&](const ConvCells<T>& cells, Index image, Index images) {
    const Plane& plane = cells.plane;
    const Index work = tile_rows * kernels.width() * images * places;
    parallel_for(c.groups * panels * tiles, work_per_thread / (work + 1) + 1, [&](Index unit, Index end) {
      T* const packed = workspace<0>().template get<T>(most_places * kernels.width());
      T* const rows = workspace<1>().template get<T>(tile_rows * row_size);
      const Index* const offsets = tap_offsets(plane);
      Run runs[most_places];
      while (unit < end) {
        const Index from = unit % tiles, to = from + (end - unit) < tiles ? from + (end - unit) : tiles;
        const Index j = unit / tiles % panels * kernels.width(), group = unit / tiles / panels;
        const Index columns = c.outs - j < kernels.width() ? c.outs - j : kernels.width();
        const Index width = kernels.width(columns);
        const T* const group_cells = cells.cells + group * c.ins * plane.size();
        for (Index q = 0, k; q < images * places; q += k) {
          k = images * places - q < most_places ? images * places - q : most_places;
          for (Index done = 0, length, at = q % places; done < k; done += length, at = 0) {
            length = places - at < k - done ? places - at : k - done;
            pack_columns(kernels, length, columns, width,
                         dy + (image + (q + done) / places) * c.y_image() + (group * c.outs + j) * places + at, places,
                         packed + done * width);
          }
          const Index n = cells.cut(q, k, runs);
          ConvRow row(plane, offsets, from * tile_rows);
          for (Index t = from; t < to; ++t) {
            const Index stop = depth - t * tile_rows < tile_rows ? depth - t * tile_rows : tile_rows;
            const T* a = group_cells + t * tile_rows * plane.size() + runs[0].from;  // with one tap and one run
            Index a_row = plane.size();
            if (c.taps() > 1 || n > 1) {
              for (Index i = 0; i < stop; ++i, row.next())
                gather_runs(runs, n, plane.step(), group_cells + row.at(), rows + i * row_size);
              a = rows;
              a_row = row_size;
            }
            gemm_rows(kernels, stop, width, width, k, a, a_row, Index{1}, static_cast<const T*>(packed), width,
                      dweight + (group * depth + t * tile_rows) * padded + j, padded, T(1),
                      image == 0 && q == 0 ? T(0) : T(1));
          }
        }
        unit += to - from;
      }
    });
  });
}

}  // namespace detail

/// Numbers of scratch memory that each of the three passes needs.
template <class T>
Index conv_scratch(const Conv& c) {
  if (c.is_depthwise() || c.is_pointwise()) return 0;
  return detail::suits_winograd(c) ? detail::winograd_scratch<T>(c) : detail::conv_copies(c, detail::conv_plane(c));
}
template <class T>
Index conv_input_gradient_scratch(const Conv& c) {
  if (c.is_depthwise() || c.is_pointwise()) return 0;
  if (detail::skips_cells(c)) return detail::met_cells(c);
  if (detail::suits_patches(c)) return detail::patches_scratch(c);
  if (c.h.stride > 1 || c.w.stride > 1) {
    if (detail::suits_winograd_back(c)) return detail::winograd_back_scratch<T>(c);
    return c.groups * ((c.depth() + detail::tile_rows - 1) / detail::tile_rows) * detail::packed_tile_size<T>(c.outs);
  }
  const Conv turned = c.turned();
  if (detail::suits_winograd(turned)) return detail::winograd_scratch<T>(turned);
  return c.weights() + detail::conv_copies(turned, detail::conv_plane(turned));
}
template <class T>
Index conv_weight_gradient_scratch(const Conv& c) {
  if (c.is_depthwise()) return 0;
  if (detail::skips_cells(c)) return detail::met_cells(c) + conv_weight_gradient_scratch<T>(detail::of_met_cells(c));
  if (detail::suits_patches(c)) return detail::patches_scratch(c);
  if (detail::suits_winograd(c)) return detail::winograd_weight_gradient_scratch<T>(c);
  return c.groups * c.depth() * detail::whole_tiles<T>(c.outs) + detail::conv_copies(c, detail::conv_plane(c, true));
}

/// y = x * weight + bias (null: none), the cross-correlation of every group's channels.
/// Every element is summed in an order that depends on the sizes alone, in all three passes.
template <class T>
void conv_forward(const Conv& c, const T* x, const T* weight, const T* bias, T* y, T* scratch) {
  if (c.is_depthwise())
    detail::depthwise_forward(c, x, weight, bias, y);
  else if (c.is_pointwise())
    detail::pointwise(c, false, x, weight, bias, y);
  else if (detail::suits_winograd(c))
    detail::winograd_forward(c, x, weight, false, bias, y, scratch);
  else
    detail::conv_by_panels(c, x, weight, bias, y, scratch);
}

/// dx = dy * the turned weight: y += x weight, differentiated.
template <class T>
void conv_input_gradient(const Conv& c, const T* dy, const T* weight, T* dx, T* scratch) {
  if (c.is_depthwise()) return detail::depthwise_input_gradient(c, dy, weight, dx);
  if (c.is_pointwise()) return detail::pointwise<T>(c, true, dy, weight, nullptr, dx);
  if (detail::skips_cells(c)) {
    detail::pointwise<T>(detail::of_met_cells(c), true, dy, weight, nullptr, scratch);
    return detail::put_met_cells<T>(c, scratch, dx);
  }
  if (detail::suits_patches(c)) return detail::patches_input_gradient(c, dy, weight, dx, scratch);
  if (c.h.stride > 1 || c.w.stride > 1) {
    if (detail::suits_winograd_back(c)) return detail::winograd_back(c, dy, weight, dx, scratch);
    return detail::conv_by_columns(c, dy, weight, dx, scratch);
  }
  const Conv turned = c.turned();
  if (detail::suits_winograd(turned))
    return detail::winograd_forward<T>(turned, dy, weight, true, nullptr, dx, scratch);
  detail::turn_weight(c, weight, scratch);
  detail::conv_by_panels<T>(turned, dy, scratch, nullptr, dx, scratch + c.weights());
}

/// dweight = sum over images and places of dy x.
template <class T>
void conv_weight_gradient(const Conv& c, const T* x, const T* dy, T* dweight, T* scratch) {
  if (c.is_depthwise()) return detail::depthwise_weight_gradient(c, x, dy, dweight);
  if (detail::skips_cells(c)) {
    detail::take_met_cells(c, x, scratch);
    return conv_weight_gradient<T>(detail::of_met_cells(c), scratch, dy, dweight, scratch + detail::met_cells(c));
  }
  if (detail::suits_patches(c)) return detail::patches_weight_gradient(c, x, dy, dweight, scratch);
  if (detail::suits_winograd(c)) return detail::winograd_weight_gradient(c, x, dy, dweight, scratch);
  const Index padded = detail::whole_tiles<T>(c.outs), depth = c.depth();
  detail::conv_weight_transposed(c, x, dy, scratch, scratch + c.groups * depth * padded);
  parallel_for(c.groups * c.outs, 16384 / depth + 1, [=](Index begin, Index end) {
    for (Index o = begin; o < end; ++o) {
      const T* const from = scratch + o / c.outs * depth * padded + o % c.outs;
      for (Index i = 0; i < depth; ++i) dweight[o * depth + i] = from[i * padded];
    }
  });
}

/// dbias[o] = sum over images and places of dy: image after image, each in one order.
template <class T>
GLOSS_NOINLINE void conv_bias_gradient(const Conv& c, const T* dy, T* dbias) {
  constexpr Index w = lanes<T>;
  const Index channels = c.groups * c.outs, places = c.places();
  parallel_for(channels, 32768 / (c.batch * places + 1) + 1, [=](Index begin, Index end) {
    for (Index o = begin; o < end; ++o) {
      T total = 0;
      for (Index n = 0; n < c.batch; ++n) {
        const T* const from = dy + (n * channels + o) * places;
        Vec<T> sum[4] = {};
        Index i = 0;
        for (; i + 4 * w <= places; i += 4 * w)
          GLOSS_UNROLL for (int v = 0; v < 4; ++v) sum[v] = sum[v] + load<T>(from + i + v * w);
        for (; i < places; i += w) sum[0] = sum[0] + load_n<T>(from + i, places - i < w ? places - i : w);
        total += hsum<T>((sum[0] + sum[1]) + (sum[2] + sum[3]));
      }
      dbias[o] = total;
    }
  });
}

#define GLOSS_CONV(T)                                                                     \
  GLOSS_INSTANTIATE(void conv_forward(const Conv&, const T*, const T*, const T*, T*, T*)) \
  GLOSS_INSTANTIATE(void conv_input_gradient(const Conv&, const T*, const T*, T*, T*))    \
  GLOSS_INSTANTIATE(void conv_weight_gradient(const Conv&, const T*, const T*, T*, T*))   \
  GLOSS_INSTANTIATE(void conv_bias_gradient(const Conv&, const T*, T*))
GLOSS_CONV(float)
GLOSS_CONV(double)
#undef GLOSS_CONV

}  // namespace gloss::inline GLOSS_ABI::kernels
