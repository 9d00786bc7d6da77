#ifndef WEFT_FRONTEND_BUILD_LAYERS_SIGNAL_H_
#define WEFT_FRONTEND_BUILD_LAYERS_SIGNAL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "frontend/build/layers/extent.h"
#include "frontend/build/layers/family.h"

namespace weft {

struct DftOptions {
  int64_t axis = 1;
  int64_t length = 0;     // of the transform: the signal is cut or padded with zeros; 0: as it is
  bool onesided = false;  // of a real signal: only the bins 0 to length / 2
  std::string name = {};
};

struct WindowOptions {
  std::string kind = "hann";  // or hamming, blackman, rectangular
  int64_t length = 0;         // required
  bool periodic = true;       // false: symmetric, its last element is its first
  std::string name = {};
};

struct StftOptions {
  int64_t frame_length = 0;            // required
  int64_t frame_step = 0;              // 0: a quarter of the frame, at least 1
  std::string window = "rectangular";  // as in WindowOptions, periodic
  bool onesided = true;
  std::string name = {};
};

struct DctOptions {
  int64_t axis = -1;
  bool orthonormal = true;
  std::string name = {};
};

struct SpectralPoolOptions {
  Extent2 size = {};  // of the result; required
  std::string name = {};
};

struct Filter1dOptions {
  std::vector<double> taps = {};  // required
  bool same = false;  // zeros around the signal keep its length; else only whole windows
  std::string name = {};
};

struct MovingMean1dOptions {
  int64_t length = 0;  // of the window; required
  bool same = false;
  std::string name = {};
};

// The elements of a window (ONNX's HannWindow, HammingWindow and BlackmanWindow). Errors: another
// kind, a length below 1.
absl::StatusOr<std::vector<double>> WindowValues(const WindowOptions& o);

// Signal processing: Fourier and cosine transforms, pooling in their domains, filters. Complex
// numbers have an axis of their own, the last: [..,2], and real signals [..,1].
class SignalLayers : public LayerFamily<SignalLayers> {
 public:
  // [..,1] or [..,2] to [..,2].
  Value Dft(Value x, const DftOptions& o = {}, Where where = Where::current());
  // [..,2] to [..,2]; onesided: from the bins 0 to length / 2 of a real signal back to it, [..,1].
  // Its length is even where it is not given.
  Value InverseDft(Value x, const DftOptions& o = {}, Where where = Where::current());
  // A constant [length].
  Value Window(const WindowOptions& o, Where where = Where::current());
  // Short-time Fourier transform of [N,L], [N,L,1] or [N,L,2]: [N,frames,bins,2].
  Value Stft(Value x, const StftOptions& o, Where where = Where::current());
  // DCT-II: y[k] = sum_n x[n] cos(pi k (2n + 1) / 2N); orthonormal: times sqrt(2 / N), and
  // sqrt(1 / N) for k = 0. And back: DCT-III.
  Value Dct(Value x, const DctOptions& o = {}, Where where = Where::current());
  Value InverseDct(Value x, const DctOptions& o = {}, Where where = Where::current());
  // Images [N,C,H,W] of their lowest frequencies only (Rippel, Snoek and Adams, "Spectral
  // representations for convolutional neural networks", 2015), scaled to keep the mean: truncated
  // Fourier transforms (the highest frequency of an even size is the mean of both its signs, which
  // keeps images real), or truncated cosine transforms.
  Value SpectralPool2d(Value x, const SpectralPoolOptions& o, Where where = Where::current());
  Value DctPool2d(Value x, const SpectralPoolOptions& o, Where where = Where::current());
  // Each channel of x [N,C,L] correlated with the taps.
  Value Filter1d(Value x, const Filter1dOptions& o, Where where = Where::current());
  Value MovingMean1d(Value x, const MovingMean1dOptions& o, Where where = Where::current());
};

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_LAYERS_SIGNAL_H_
