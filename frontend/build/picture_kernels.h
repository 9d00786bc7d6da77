#ifndef WEFT_FRONTEND_BUILD_PICTURE_KERNELS_H_
#define WEFT_FRONTEND_BUILD_PICTURE_KERNELS_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "graph/status.h"
#include "graph/tensor.h"

namespace weft {

// What kernels are made by; each reads what it needs. 0 stands for what suits the kernel.
struct KernelOptions {
  int64_t size = 0;        // its extent, odd
  double sigma = 0;        // gaussian, log, unsharp, gabor: the bell's deviation, in pixels
  double orientation = 0;  // gabor: the direction in which its wave runs, in degrees from the
                           // picture's right towards its bottom; 0 has upright stripes
  double wavelength = 0;   // gabor: pixels a wave
  double phase = 0;        // gabor, degrees: 0 a bright bar in the middle, 90 an edge
  double aspect = 0.5;     // gabor: the bell's width over its length along the stripes
};

// A kernel that lectures filter pictures with. As everywhere here it is laid onto the picture as it
// is written, without the turn that signal processing calls convolution: sobel_x is above zero
// where the picture grows brighter to the right.
struct PictureKernel {
  std::string_view name;
  std::string_view doc;  // one sentence
  int64_t size = 3;      // its extent, unless another one is asked for
  bool any_size = false;
  // Its elements, row by row, for options without zeros that stand for something.
  std::vector<double> (*elements)(const KernelOptions&) = nullptr;
};
std::span<const PictureKernel> PictureKernels();
const PictureKernel* FindPictureKernel(std::string_view name);  // null when unknown

// The kernel f64[size,size]. Errors: an unknown name (with the nearest one), a size that it has not
// or that is even, beyond 255 or below 3, numbers that make no kernel.
absl::StatusOr<Tensor> MakePictureKernel(std::string_view name, const KernelOptions& options = {});

// `count` different Gabor kernels f64[count,size,size] such as first layers learn: wavelengths from
// the kernel's extent down by factors of sqrt(2), of each as many orientations, evenly spread over
// half a turn, in phases 0 and 90. Each has mean 0 and Euclid's norm 1. Errors: a count below 1, a
// size that is even or outside [3, 255].
absl::StatusOr<Tensor> GaborBank(int64_t count, int64_t size);

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_PICTURE_KERNELS_H_
