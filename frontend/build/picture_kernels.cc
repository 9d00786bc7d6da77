#include "frontend/build/picture_kernels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <string>
#include <utility>

#include "absl/strings/str_join.h"
#include "frontend/io/names.h"

namespace weft {
namespace {

constexpr int64_t kMostKernelSize = 255;
constexpr int64_t kLeastBankSize = 3;
constexpr double kLeastBankWavelength = 3;  // at 2 a sine is zero at every pixel
// Of a Gabor kernel whose band is an octave wide (Petkov and Kruizinga 1997).
constexpr double kSigmaPerWavelength = 0.56;

using KernelElements = std::vector<double>;

double KernelRadians(double degrees) { return degrees * std::numbers::pi / 180; }

// f(x, y) at each pixel, x to the right and y down from the middle.
template <typename F>
KernelElements SampledKernel(int64_t size, F f) {
  KernelElements e;
  const int64_t half = size / 2;
  for (int64_t y = -half; y <= half; ++y) {
    for (int64_t x = -half; x <= half; ++x) {
      e.push_back(f(static_cast<double>(x), static_cast<double>(y)));
    }
  }
  return e;
}

double SquaredRadius(double x, double y) { return x * x + y * y; }

// Row `n` of Pascal's triangle.
KernelElements BinomialRow(int64_t n) {
  KernelElements row = {1};
  for (int64_t i = 0; i < n; ++i) {
    row.push_back(0);
    for (size_t k = row.size() - 1; k > 0; --k) row[k] += row[k - 1];
  }
  return row;
}

KernelElements TransposedKernel(const KernelElements& e) {
  const auto size = static_cast<size_t>(std::lround(std::sqrt(static_cast<double>(e.size()))));
  KernelElements result(e.size());
  for (size_t i = 0; i < e.size(); ++i) result[i % size * size + i / size] = e[i];
  return result;
}

KernelElements IdentityKernel(const KernelOptions& o) {
  return SampledKernel(o.size, [](double x, double y) { return x == 0 && y == 0 ? 1.0 : 0.0; });
}

KernelElements BoxKernel(const KernelOptions& o) {
  const double each = 1 / static_cast<double>(o.size * o.size);
  return KernelElements(static_cast<size_t>(o.size * o.size), each);
}

KernelElements GaussianKernel(const KernelOptions& o) {
  KernelElements e = SampledKernel(o.size, [&](double x, double y) {
    return std::exp(-SquaredRadius(x, y) / (2 * o.sigma * o.sigma));
  });
  const double sum = std::accumulate(e.begin(), e.end(), 0.0);
  for (double& v : e) v /= sum;
  return e;
}

// Twice the picture less the blurred one.
KernelElements UnsharpKernel(const KernelOptions& o) {
  KernelElements e = GaussianKernel(o);
  for (double& v : e) v = -v;
  e[e.size() / 2] += 2;
  return e;
}

// A binomial row down times the difference of one across, as OpenCV's of any size.
KernelElements SobelXKernel(const KernelOptions& o) {
  const KernelElements smooth = BinomialRow(o.size - 1), shorter = BinomialRow(o.size - 3);
  return SampledKernel(o.size, [&](double x, double y) {
    const auto column = static_cast<int64_t>(x) + o.size / 2,
               row = static_cast<int64_t>(y) + o.size / 2;
    const auto at = [&](int64_t i) {
      return i < 0 || i >= o.size - 2 ? 0.0 : shorter[static_cast<size_t>(i)];
    };
    return smooth[static_cast<size_t>(row)] * (at(column - 2) - at(column));
  });
}

KernelElements SobelYKernel(const KernelOptions& o) { return TransposedKernel(SobelXKernel(o)); }

// Less its mean, so that even areas give 0 whatever is cut off.
KernelElements LaplacianOfGaussianKernel(const KernelOptions& o) {
  const double variance = o.sigma * o.sigma;
  KernelElements e = SampledKernel(o.size, [&](double x, double y) {
    const double r = SquaredRadius(x, y);
    return (r - 2 * variance) / (variance * variance) * std::exp(-r / (2 * variance)) /
           (2 * std::numbers::pi * variance);
  });
  const double mean = std::accumulate(e.begin(), e.end(), 0.0) / static_cast<double>(e.size());
  for (double& v : e) v -= mean;
  return e;
}

// Daugman 1985: exp(-(x'^2 + aspect^2 y'^2) / (2 sigma^2)) cos(2 pi x' / wavelength + phase), x'
// along the orientation and y' across it.
KernelElements GaborKernel(const KernelOptions& o) {
  const double c = std::cos(KernelRadians(o.orientation)),
               s = std::sin(KernelRadians(o.orientation));
  return SampledKernel(o.size, [&](double x, double y) {
    const double along = x * c + y * s, across = (y * c - x * s) * o.aspect;
    return std::exp(-SquaredRadius(along, across) / (2 * o.sigma * o.sigma)) *
           std::cos(2 * std::numbers::pi * along / o.wavelength + KernelRadians(o.phase));
  });
}

// Robinson's gradients are Prewitt's and Sobel's; Roberts' two diagonals are in the lower right of
// 3x3, so that they look at the pixel, its right and lower neighbours.
constexpr PictureKernel kPictureKernels[] = {
    {"identity", "The picture as it is", 3, true, IdentityKernel},
    {"box", "Blur: the mean of a square", 3, true, BoxKernel},
    {"gaussian", "Blur: a bell of deviation sigma", 5, true, GaussianKernel},
    {"sharpen", "The picture less its Laplacian", 3, false,
     [](const KernelOptions&) { return KernelElements{0, -1, 0, -1, 5, -1, 0, -1, 0}; }},
    {"unsharp", "Sharpen: twice the picture less a gaussian blur of it", 5, true, UnsharpKernel},
    {"emboss", "Relief: light from the lower right, on the picture", 3, false,
     [](const KernelOptions&) { return KernelElements{-2, -1, 0, -1, 1, 1, 0, 1, 2}; }},
    {"sobel_x", "Edges: brighter to the right, smoothed down by (1, 2, 1)", 3, true, SobelXKernel},
    {"sobel_y", "Edges: brighter below, smoothed across by (1, 2, 1)", 3, true, SobelYKernel},
    {"prewitt_x", "Edges: brighter to the right, smoothed down by (1, 1, 1)", 3, false,
     [](const KernelOptions&) { return KernelElements{-1, 0, 1, -1, 0, 1, -1, 0, 1}; }},
    {"prewitt_y", "Edges: brighter below, smoothed across by (1, 1, 1)", 3, false,
     [](const KernelOptions&) { return KernelElements{-1, -1, -1, 0, 0, 0, 1, 1, 1}; }},
    {"scharr_x", "Edges: brighter to the right, smoothed down by (3, 10, 3)", 3, false,
     [](const KernelOptions&) { return KernelElements{-3, 0, 3, -10, 0, 10, -3, 0, 3}; }},
    {"scharr_y", "Edges: brighter below, smoothed across by (3, 10, 3)", 3, false,
     [](const KernelOptions&) { return KernelElements{-3, -10, -3, 0, 0, 0, 3, 10, 3}; }},
    {"roberts_x", "Edges: a pixel less its lower right neighbour", 3, false,
     [](const KernelOptions&) { return KernelElements{0, 0, 0, 0, 1, 0, 0, 0, -1}; }},
    {"roberts_y", "Edges: the right neighbour less the lower one", 3, false,
     [](const KernelOptions&) { return KernelElements{0, 0, 0, 0, 0, 1, 0, -1, 0}; }},
    {"laplacian", "Edges of all directions: four neighbours less the pixel", 3, false,
     [](const KernelOptions&) { return KernelElements{0, 1, 0, 1, -4, 1, 0, 1, 0}; }},
    {"laplacian_8", "Edges of all directions: eight neighbours less the pixel", 3, false,
     [](const KernelOptions&) { return KernelElements{1, 1, 1, 1, -8, 1, 1, 1, 1}; }},
    {"log", "Blobs: the Laplacian of a bell of deviation sigma", 9, true,
     LaplacianOfGaussianKernel},
    {"gabor", "Stripes of one wavelength, orientation and phase under a bell", 15, true,
     GaborKernel},
};

absl::Status CheckKernelSize(std::string_view name, int64_t size, int64_t least) {
  if (size >= least && size <= kMostKernelSize && size % 2 == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("kernel ", Absl(name),
                                                 ": expected an odd size in [", least, ",",
                                                 kMostKernelSize, "], got ", size));
}

// What is left out, by the size.
KernelOptions Completed(KernelOptions o, const PictureKernel& kernel) {
  if (o.size == 0) o.size = kernel.size;
  const auto size = static_cast<double>(o.size);
  if (o.wavelength == 0) o.wavelength = size / 3;
  if (o.sigma == 0)
    o.sigma = kernel.name == "gabor" ? kSigmaPerWavelength * o.wavelength : size / 6;
  return o;
}

absl::Status CheckKernelNumbers(std::string_view name, const KernelOptions& o) {
  for (const auto& [what, value] :
       {std::pair("sigma", o.sigma), std::pair("wavelength", o.wavelength),
        std::pair("aspect", o.aspect)}) {
    if (value > 0 && value < 1e6) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("kernel ", Absl(name), ": expected ", what, " in (0,1e6), got ", value));
  }
  if (std::isfinite(o.orientation) && std::isfinite(o.phase)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "kernel ", Absl(name), ": expected finite angles, got ", o.orientation, " and ", o.phase));
}

}  // namespace

std::span<const PictureKernel> PictureKernels() { return kPictureKernels; }

const PictureKernel* FindPictureKernel(std::string_view name) {
  const auto* const found = std::ranges::find(kPictureKernels, name, &PictureKernel::name);
  return found == std::end(kPictureKernels) ? nullptr : found;
}

absl::StatusOr<Tensor> MakePictureKernel(std::string_view name, const KernelOptions& options) {
  const PictureKernel* kernel = FindPictureKernel(name);
  if (kernel == nullptr) {
    std::vector<std::string_view> names;
    for (const PictureKernel& k : kPictureKernels) names.push_back(k.name);
    const std::string_view nearest = NearestName(name, names);
    return absl::NotFoundError(absl::StrCat(
        "no kernel is called ", Absl(name),
        nearest.empty() ? "" : absl::StrCat(", did you mean ", Absl(nearest), "?"), " (there are ",
        absl::StrJoin(names, ", ", [](std::string* out, std::string_view n) { out->append(n); }),
        ")"));
  }
  const KernelOptions o = Completed(options, *kernel);
  if (!kernel->any_size && o.size != kernel->size) {
    return absl::InvalidArgumentError(absl::StrCat("kernel ", Absl(name), ": it is ", kernel->size,
                                                   "x", kernel->size, ", got a size of ", o.size));
  }
  WEFT_RETURN_IF_ERROR(CheckKernelSize(name, o.size, 3));
  WEFT_RETURN_IF_ERROR(CheckKernelNumbers(name, o));
  const KernelElements elements = kernel->elements(o);
  for (const double v : elements) {
    // Filters and weights are f32. NaN is no number below either.
    if (std::abs(v) <= std::numeric_limits<float>::max()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("kernel ", Absl(name), ": its element ", v, " is no finite f32 for size ",
                     o.size, ", sigma ", o.sigma, ", wavelength ", o.wavelength));
  }
  return Tensor::FromValues<double>({o.size, o.size}, elements);
}

absl::StatusOr<Tensor> GaborBank(int64_t count, int64_t size) {
  WEFT_RETURN_IF_ERROR(CheckKernelSize("gabor", size, kLeastBankSize));
  if (count < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("kernel gabor: expected 1 kernel or more, got ", count));
  }
  constexpr int64_t kPhases = 2, kLeastOrientations = 4;
  std::vector<double> wavelengths = {static_cast<double>(size)};
  while (static_cast<int64_t>(wavelengths.size() + 1) * kPhases * kLeastOrientations <= count &&
         wavelengths.back() / std::numbers::sqrt2 >= kLeastBankWavelength) {
    wavelengths.push_back(wavelengths.back() / std::numbers::sqrt2);
  }
  const auto scales = static_cast<int64_t>(wavelengths.size());
  const int64_t orientations = (count + kPhases * scales - 1) / (kPhases * scales);
  std::vector<double> bank;
  for (int64_t i = 0; i < count; ++i) {
    const double wavelength = wavelengths[static_cast<size_t>(i / orientations / kPhases)];
    KernelElements e =
        GaborKernel({.size = size,
                     .sigma = kSigmaPerWavelength * wavelength,
                     .orientation = 180.0 * static_cast<double>(i % orientations) /
                                    static_cast<double>(orientations),
                     .wavelength = wavelength,
                     .phase = 90.0 * static_cast<double>(i / orientations % kPhases)});
    const double mean = std::accumulate(e.begin(), e.end(), 0.0) / static_cast<double>(e.size());
    for (double& v : e) v -= mean;
    const double norm = std::sqrt(std::inner_product(e.begin(), e.end(), e.begin(), 0.0));
    for (const double v : e) bank.push_back(v / norm);
  }
  return Tensor::FromValues<double>({count, size, size}, bank);
}

}  // namespace weft
