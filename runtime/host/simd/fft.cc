#include "runtime/host/simd/fft.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace weft {
namespace {

constexpr int64_t kLargestFactor = 13;  // larger primes take Bluestein's way

Complex Root(int64_t k, int64_t n) {  // exp(-2 pi i k / n)
  const double angle = -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n);
  return {std::cos(angle), std::sin(angle)};
}

// The factors of a stage each; empty where one is too large.
std::vector<int64_t> FactorsOf(int64_t n) {
  std::vector<int64_t> factors;
  for (int64_t f : {4, 2, 3, 5, 7, 11, 13}) {
    for (; n % f == 0; n /= f) factors.push_back(f);
  }
  if (n > 1) factors.clear();
  return factors;
}

// The transforms of R elements x[0], x[stride], … to y[0], y[out], …, for `count` neighbours:
// element u is multiplied by twiddles[u] first.
void Butterflies2(const Complex* x, int64_t stride, const Complex* t, Complex* y, int64_t out,
                  int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const Complex a = x[i], b = x[i + stride] * t[1];
    y[i] = a + b;
    y[i + out] = a - b;
  }
}

void Butterflies4(const Complex* x, int64_t stride, const Complex* t, Complex* y, int64_t out,
                  int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const Complex a = x[i], b = x[i + stride] * t[1];
    const Complex c = x[i + 2 * stride] * t[2], d = x[i + 3 * stride] * t[3];
    const Complex p = a + c, q = a - c, r = b + d, s = b - d;
    const Complex turned = {s.im, -s.re};  // -i s
    y[i] = p + r;
    y[i + out] = q + turned;
    y[i + 2 * out] = p - r;
    y[i + 3 * out] = q - turned;
  }
}

// Elements u and R - u of an odd radix share their products: with their sum s and difference d,
// exp(-i t) x_u + exp(i t) x_(R-u) = s cos t - i d sin t.
template <int R>
void ButterfliesOdd(const Complex* x, int64_t stride, const Complex* t, const Complex* roots,
                    Complex* y, int64_t out, int64_t count) {
  constexpr int kHalf = R / 2;
  for (int64_t i = 0; i < count; ++i) {
    const Complex first = x[i];
    Complex sums[kHalf], differences[kHalf], total = first;
    for (int u = 1; u <= kHalf; ++u) {
      const Complex a = x[i + u * stride] * t[u], b = x[i + (R - u) * stride] * t[R - u];
      sums[u - 1] = a + b;
      differences[u - 1] = a - b;
      total = total + sums[u - 1];
    }
    y[i] = total;
    for (int v = 1; v <= kHalf; ++v) {
      Complex even = first, odd = {};
      for (int u = 1; u <= kHalf; ++u) {
        const Complex root = roots[u * v % R];
        even = even + Complex{root.re * sums[u - 1].re, root.re * sums[u - 1].im};
        odd = odd + Complex{-root.im * differences[u - 1].im, root.im * differences[u - 1].re};
      }
      y[i + v * out] = even + odd;
      y[i + (R - v) * out] = even - odd;
    }
  }
}

using OddButterflies = void (*)(const Complex*, int64_t, const Complex*, const Complex*, Complex*,
                                int64_t, int64_t);
OddButterflies OfOdd(int64_t radix) {
  switch (radix) {
    case 3:
      return ButterfliesOdd<3>;
    case 5:
      return ButterfliesOdd<5>;
    case 7:
      return ButterfliesOdd<7>;
    case 11:
      return ButterfliesOdd<11>;
    default:
      return ButterfliesOdd<13>;
  }
}

}  // namespace

Fft::Fft(int64_t length) : length_(length), factors_(FactorsOf(length)) {
  if (factors_.empty() && length > 1) {
    int64_t padded = 1;
    while (padded < 2 * length - 1) padded *= 2;
    padded_ = std::make_unique<const Fft>(padded);
    response_.resize(static_cast<size_t>(padded));
    int64_t square = 0;  // k^2 modulo 2 length
    for (int64_t k = 0; k < length; ++k) {
      chirp_.push_back(Root(square, 2 * length));
      response_[static_cast<size_t>(k)] = Conjugate(chirp_.back());
      response_[static_cast<size_t>(k == 0 ? 0 : padded - k)] = Conjugate(chirp_.back());
      square = (square + 2 * k + 1) % (2 * length);
    }
    std::vector<Complex> scratch(static_cast<size_t>(padded_->scratch()));
    padded_->Run(response_.data(), scratch.data());
    return;
  }
  for (int64_t k = 0; k < length; ++k) roots_.push_back(Root(k, length));
}

void Fft::Run(Complex* x, Complex* scratch) const {
  if (padded_ != nullptr) {
    RunChirp(x, scratch);
  } else {
    RunStages(x, scratch);
  }
}

// Stockham's stages (Cochran et al., "What is the fast Fourier transform?", 1967): after factors
// of product L, with M = length / L, the transforms of the M subsequences x[p], x[p + M], … lie
// with element q of subsequence p at q M + p.
void Fft::RunStages(Complex* x, Complex* scratch) const {
  Complex *from = x, *to = scratch;
  int64_t done = 1;  // L
  std::array<Complex, kLargestFactor> twiddles, radix_roots;
  for (int64_t radix : factors_) {
    const int64_t before = length_ / done, after = before / radix;
    for (int64_t u = 0; u < radix; ++u) {
      radix_roots[static_cast<size_t>(u)] = roots_[static_cast<size_t>(u * (length_ / radix))];
    }
    for (int64_t q = 0; q < done; ++q) {
      for (int64_t u = 0; u < radix; ++u) {
        twiddles[static_cast<size_t>(u)] = roots_[static_cast<size_t>(u * q * after)];
      }
      const Complex* in = from + q * before;
      Complex* out = to + q * after;
      if (radix == 4) {
        Butterflies4(in, after, twiddles.data(), out, done * after, after);
      } else if (radix == 2) {
        Butterflies2(in, after, twiddles.data(), out, done * after, after);
      } else {
        OfOdd(radix)(in, after, twiddles.data(), radix_roots.data(), out, done * after, after);
      }
    }
    done *= radix;
    std::swap(from, to);
  }
  if (from != x) std::copy_n(from, length_, x);
}

// Bluestein, "A linear filtering approach to the computation of discrete Fourier transform", 1970:
// k n = (k^2 + n^2 - (k - n)^2) / 2 makes it a convolution with the chirp's conjugate.
void Fft::RunChirp(Complex* x, Complex* scratch) const {
  const int64_t padded = padded_->length_;
  Complex* work = scratch;
  Complex* rest = scratch + padded;
  std::fill_n(work, padded, Complex{});
  for (int64_t k = 0; k < length_; ++k) work[k] = x[k] * chirp_[static_cast<size_t>(k)];
  padded_->Run(work, rest);
  // The inverse transform is the conjugate of the transform of the conjugate.
  for (int64_t k = 0; k < padded; ++k) {
    work[k] = Conjugate(work[k] * response_[static_cast<size_t>(k)]);
  }
  padded_->Run(work, rest);
  const double scale = 1 / static_cast<double>(padded);
  for (int64_t k = 0; k < length_; ++k) {
    const Complex y = Conjugate(work[k]);
    x[k] = Complex{y.re * scale, y.im * scale} * chirp_[static_cast<size_t>(k)];
  }
}

}  // namespace weft
