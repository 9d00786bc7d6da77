#include "frontend/data/spectrum.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <utility>

namespace weft {
namespace {

using SpectrumComplex = std::complex<double>;

// In place, by Cooley and Tukey's radix-2 steps after a bit reversal.
void FourierTransform(std::span<SpectrumComplex> x) {
  const size_t n = x.size();
  for (size_t i = 1, j = 0; i < n; ++i) {
    size_t bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  for (size_t length = 2; length <= n; length *= 2) {
    const SpectrumComplex root =
        std::polar(1.0, -2 * std::numbers::pi / static_cast<double>(length));
    for (size_t begin = 0; begin < n; begin += length) {
      SpectrumComplex factor = 1;
      for (size_t k = begin; k < begin + length / 2; ++k) {
        const SpectrumComplex even = x[k], odd = x[k + length / 2] * factor;
        x[k] = even + odd;
        x[k + length / 2] = even - odd;
        factor *= root;
      }
    }
  }
}

}  // namespace

std::vector<float> PowerSpectrum(std::span<const float> samples, int64_t size, int64_t hop) {
  const auto n = static_cast<size_t>(size), step = static_cast<size_t>(hop);
  const size_t frames = (samples.size() - n) / step + 1, bins = n / 2 + 1;
  std::vector<float> power(bins * frames);
  std::vector<SpectrumComplex> frame(n);
  std::vector<double> window(n);
  for (size_t i = 0; i < n; ++i) {
    window[i] = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) /
                                     static_cast<double>(n));
  }
  for (size_t f = 0; f < frames; ++f) {
    for (size_t i = 0; i < n; ++i) frame[i] = samples[f * step + i] * window[i];
    FourierTransform(frame);
    for (size_t k = 0; k < bins; ++k)
      power[k * frames + f] = static_cast<float>(std::norm(frame[k]));
  }
  return power;
}

std::vector<float> MelFilters(int64_t bands, int64_t size, int64_t sample_rate) {
  const auto mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  const auto hertz = [](double m) { return 700 * (std::pow(10, m / 2595) - 1); };
  const double most = mel(static_cast<double>(sample_rate) / 2);
  const auto corner = [&](int64_t i) {
    return hertz(most * static_cast<double>(i) / static_cast<double>(bands + 1));
  };
  const int64_t bins = size / 2 + 1;
  std::vector<float> filters(static_cast<size_t>(bands * bins));
  for (int64_t band = 0; band < bands; ++band) {
    const double low = corner(band), top = corner(band + 1), high = corner(band + 2);
    for (int64_t k = 0; k < bins; ++k) {
      const double f = static_cast<double>(k * sample_rate) / static_cast<double>(size);
      const double height = std::min((f - low) / (top - low), (high - f) / (high - top));
      filters[static_cast<size_t>(band * bins + k)] = static_cast<float>(std::max(0.0, height));
    }
  }
  return filters;
}

}  // namespace weft
