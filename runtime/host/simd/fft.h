#ifndef WEFT_RUNTIME_HOST_SIMD_FFT_H_
#define WEFT_RUNTIME_HOST_SIMD_FFT_H_

#include <cstdint>
#include <memory>
#include <vector>

namespace weft {

struct Complex {
  double re = 0, im = 0;
};
inline Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
inline Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
inline Complex operator*(Complex a, Complex b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
inline Complex Conjugate(Complex a) { return {a.re, -a.im}; }

// The fast Fourier transform of one length: y[k] = sum_n x[n] exp(-2 pi i k n / length), in
// O(length log length) for every length. Immutable; threads share it.
class Fft {
 public:
  explicit Fft(int64_t length);  // at least 1

  // Elements of memory that Run needs.
  int64_t scratch() const {
    return chirp_.empty() ? length_ : padded_->length_ + padded_->scratch();
  }
  // In place; x has `length` elements.
  void Run(Complex* x, Complex* scratch) const;

 private:
  void RunStages(Complex* x, Complex* scratch) const;
  void RunChirp(Complex* x, Complex* scratch) const;

  int64_t length_;
  std::vector<int64_t> factors_;
  std::vector<Complex> roots_;  // exp(-2 pi i k / length)
  // Of a length with a large prime factor: Bluestein's transform by a convolution, in a transform
  // of a padded length.
  std::unique_ptr<const Fft> padded_;
  std::vector<Complex> chirp_;     // exp(-pi i k^2 / length)
  std::vector<Complex> response_;  // the padded transform of the chirp's conjugate
};

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_SIMD_FFT_H_
