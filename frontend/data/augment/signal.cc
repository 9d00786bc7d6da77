// Transforms of numbers: signals, whose last axis is time, and images after all that concerns
// pictures.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>

#include "frontend/data/augment/transform.h"

namespace weft {
namespace {

double MeanOf(std::span<const float> values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::span<float> RowOf(Signal& signal, int64_t row) {
  return std::span(signal.values)
      .subspan(static_cast<size_t>(row * signal.length), static_cast<size_t>(signal.length));
}

// The groups of values that share their statistics.
template <typename F>
void ForGroups(const Arguments& a, Signal& signal, const F& f) {
  if (a.word("over") == "all") return f(std::span(signal.values));
  for (int64_t row = 0; row < signal.rows; ++row) f(RowOf(signal, row));
}

void ShiftStep(const Arguments& a, TransformDraw& draw, Signal& signal) {
  const int64_t reach = std::min(a.whole("most"), signal.length);
  const int64_t later = draw.Below(2 * reach + 1) - reach;
  const bool wrap = a.word("mode") == "wrap";
  for (int64_t row = 0; row < signal.rows; ++row) {
    const std::span<float> values = RowOf(signal, row);
    const int64_t turn = (signal.length - later) % std::max<int64_t>(signal.length, 1);
    std::rotate(values.begin(), values.begin() + turn, values.end());
    if (wrap) continue;
    if (later > 0) std::fill_n(values.begin(), later, 0.0f);
    if (later < 0) std::fill_n(values.end() + later, -later, 0.0f);
  }
}

void NoiseStep(const Arguments& a, TransformDraw& draw, Signal& signal) {
  if (!draw.Chance(a.number("p"))) return;
  const double deviation = a.number("std");
  for (float& x : signal.values) x += static_cast<float>(deviation * draw.random.Normal());
}

void ScaleStep(const Arguments& a, TransformDraw& draw, Signal& signal) {
  const std::vector<double>& range = a.numbers("factor");
  const auto factor = static_cast<float>(draw.Uniform(range[0], range.back()));
  for (float& x : signal.values) x *= factor;
}

// SpecAugment (Park et al. 2019): a width up to `most`, then a place; there the example's mean.
void MaskRange(const Arguments& a, TransformDraw& draw, int64_t extent, int64_t* begin,
               int64_t* end) {
  const int64_t width = draw.Below(std::min(a.whole("most"), extent) + 1);
  *begin = draw.Below(extent - width + 1);
  *end = *begin + width;
}

void TimeMaskStep(const Arguments& a, TransformDraw& draw, Signal& signal) {
  const auto mean = static_cast<float>(MeanOf(signal.values));
  for (int64_t i = 0; i < a.whole("count"); ++i) {
    int64_t begin = 0, end = 0;
    MaskRange(a, draw, signal.length, &begin, &end);
    for (int64_t row = 0; row < signal.rows; ++row) {
      std::fill(RowOf(signal, row).begin() + begin, RowOf(signal, row).begin() + end, mean);
    }
  }
}

void RowMaskStep(const Arguments& a, TransformDraw& draw, Signal& signal) {
  const auto mean = static_cast<float>(MeanOf(signal.values));
  for (int64_t i = 0; i < a.whole("count"); ++i) {
    int64_t begin = 0, end = 0;
    MaskRange(a, draw, signal.rows, &begin, &end);
    for (int64_t row = begin; row < end; ++row) {
      std::ranges::fill(RowOf(signal, row), mean);
    }
  }
}

void WindowStep(const Arguments& a, TransformDraw& draw, Signal& signal) {
  const int64_t size = a.whole("size"), slack = signal.length - size;
  const double at = a.number("at");
  const int64_t begin =
      at < 0 ? draw.Below(slack + 1) : std::llround(at * static_cast<double>(slack));
  Signal cut = {.rows = signal.rows, .length = size, .values = {}};
  for (int64_t row = 0; row < signal.rows; ++row) {
    const auto from = RowOf(signal, row).begin() + begin;
    cut.values.insert(cut.values.end(), from, from + size);
  }
  signal = std::move(cut);
}

void StandardizeStep(const Arguments& a, TransformDraw&, Signal& signal) {
  ForGroups(a, signal, [](std::span<float> values) {
    const double mean = MeanOf(values);
    double squares = 0;
    for (const float x : values) squares += (x - mean) * (x - mean);
    const double deviation = std::sqrt(squares / static_cast<double>(values.size()));
    const double scale = deviation > 0 ? 1 / deviation : 1;
    for (float& x : values) x = static_cast<float>((x - mean) * scale);
  });
}

void MinMaxStep(const Arguments& a, TransformDraw&, Signal& signal) {
  ForGroups(a, signal, [](std::span<float> values) {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const float base = *low, range = *high - *low;
    for (float& x : values) x = range > 0 ? (x - base) / range : 0;
  });
}

}  // namespace

std::span<const TransformSpec> SignalTransforms() {
  constexpr double kMost = 1e9;
  const auto most = [](std::string_view help) -> ParameterSpec {
    return {.name = "most", .help = help, .high = kMost, .whole = true};
  };
  const ParameterSpec count = {
      .name = "count", .fallback = "1", .help = "how many", .high = 100, .whole = true};
  const ParameterSpec over = {.name = "over",
                              .fallback = "all",
                              .help = "what has statistics of its own",
                              .words = "all row"};
  static const auto* const table = new std::vector<TransformSpec>{
      {"shift",
       "earlier or later",
       {most("samples"),
        {.name = "mode", .fallback = "zero", .help = "what comes in", .words = "zero wrap"}},
       nullptr,
       ShiftStep},
      {"noise",
       "Gaussian",
       {{.name = "std",
         .fallback = "0.05",
         .help = "before the data set's normalisation",
         .high = 1e6},
        {.name = "p", .fallback = "1", .help = "how often"}},
       nullptr,
       NoiseStep},
      {"scale",
       "louder or softer",
       {{.name = "factor",
         .fallback = "(0.8, 1.2)",
         .help = "(from, to)",
         .low = -1e6,
         .high = 1e6,
         .most = 2}},
       nullptr,
       ScaleStep},
      {"time_mask",
       "spans of time at the mean (SpecAugment)",
       {most("samples of one"), count},
       nullptr,
       TimeMaskStep},
      {"row_mask",
       "rows, such as frequencies, at the mean (SpecAugment)",
       {most("rows of one"), count},
       nullptr,
       RowMaskStep},
      {"window",
       "a slice of time",
       {{.name = "size", .help = "samples", .low = 1, .high = kMost, .whole = true},
        {.name = "at",
         .fallback = "-1",
         .help = "0 is the start, 1 the end; -1: random",
         .low = -1}},
       nullptr,
       WindowStep},
      {"standardize", "mean 0 and deviation 1 in each example", {over}, nullptr, StandardizeStep},
      {"min_max", "each example from 0 to 1", {over}, nullptr, MinMaxStep}};
  return *table;
}

}  // namespace weft
