#include <memory>

#include "absl/strings/str_split.h"
#include "frontend/build/picture_kernels.h"
#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/cli/inspect/inspect.h"
#include "frontend/inspect/layers/picture_filter.h"
#include "frontend/inspect/map_picture.h"
#include "frontend/io/decode.h"

namespace weft {
namespace {

struct FilterArguments {
  std::string file;
  std::string kernel;
  KernelOptions numbers;
  int64_t orientations = 1;
  bool gray = false;
  bool draw_kernel = false;
  std::string look = "auto";
  std::string output;
  PictureFilterOptions options;
};

void PrintPictureKernels() {
  Print("%-12s %-6s %s\n", "kernel", "size", "what it does");
  for (const PictureKernel& k : PictureKernels()) {
    const std::string size = k.any_size ? absl::StrCat(k.size, ", any") : absl::StrCat(k.size);
    Print("%-12s %-7s %s\n", std::string(k.name).c_str(), size.c_str(), std::string(k.doc).c_str());
  }
}

// The kernels that the command names, each Gabor kernel in all orientations.
absl::StatusOr<std::vector<Tensor>> KernelsOf(const FilterArguments& a) {
  if (a.orientations < 1 || a.orientations > 64) {
    return absl::InvalidArgumentError(
        absl::StrCat("--orientations: expected 1 to 64, got ", a.orientations));
  }
  const std::vector<std::string> names = absl::StrSplit(a.kernel, ',');
  std::vector<Tensor> kernels;
  for (const std::string& name : names) {
    const int64_t turns = name == "gabor" ? a.orientations : 1;
    for (int64_t i = 0; i < turns; ++i) {
      KernelOptions numbers = a.numbers;
      numbers.orientation += 180.0 * static_cast<double>(i) / static_cast<double>(turns);
      absl::StatusOr<Tensor> kernel = MakePictureKernel(name, numbers);
      if (!kernel.ok()) return Annotate(kernel.status(), "--kernel");
      kernels.push_back(*std::move(kernel));
    }
  }
  return kernels;
}

absl::StatusOr<FilteredLook> FilteredLookOf(const FilterArguments& a, const Tensor& kernel) {
  if (a.look == "plain") return FilteredLook::kPlain;
  if (a.look == "signed") return FilteredLook::kSigned;
  if (a.look == "magnitude") return FilteredLook::kMagnitude;
  if (a.look == "auto") return LookFor(kernel);
  return absl::InvalidArgumentError(
      absl::StrCat("--show: expected auto, plain, signed or magnitude, got ", a.look));
}

Picture GrayPicture(const Picture& picture) {
  if (picture.channels == 1) return picture;
  Picture gray{.height = picture.height, .width = picture.width, .channels = 1};
  for (size_t i = 0; i < picture.pixels.size(); i += 3) {
    gray.pixels.push_back(LumaOf(&picture.pixels[i]));
  }
  return gray;
}

// What `i` of results [K,C,H,W] is alone.
absl::StatusOr<Tensor> FilteredResult(const Tensor& results, int64_t i) {
  const Dims dims(results.dims().begin() + 1, results.dims().end());
  const auto size = static_cast<size_t>(results.size() / results.dims()[0]);
  return Tensor::FromValues<float>(
      dims, results.values<float>().subspan(static_cast<size_t>(i) * size, size));
}

absl::StatusOr<Picture> PictureOfResults(const FilterArguments& a, const Tensor& results,
                                         std::span<const Tensor> kernels) {
  if (a.look == "magnitude") {
    WEFT_ASSIGN_OR_RETURN(const Tensor root, RootOfSquares(results));
    return FilteredPicture(root, FilteredLook::kMagnitude);
  }
  std::vector<Picture> pictures;
  for (size_t i = 0; i < kernels.size(); ++i) {
    WEFT_ASSIGN_OR_RETURN(const FilteredLook look, FilteredLookOf(a, kernels[i]));
    WEFT_ASSIGN_OR_RETURN(const Tensor result, FilteredResult(results, static_cast<int64_t>(i)));
    WEFT_ASSIGN_OR_RETURN(pictures.emplace_back(), FilteredPicture(result, look));
  }
  return pictures.size() == 1 ? std::move(pictures[0]) : SideBySide(pictures);
}

absl::StatusOr<Picture> PictureOfKernels(std::span<const Tensor> kernels) {
  std::vector<Picture> pictures;
  for (const Tensor& kernel : kernels) {
    WEFT_ASSIGN_OR_RETURN(const Tensor map, kernel.Converted(DType::kF32));
    const int64_t scale = std::max<int64_t>(1, 128 / map.dims()[0]);
    WEFT_ASSIGN_OR_RETURN(
        pictures.emplace_back(),
        MapPicture(map, ColorMap::kGray, RangeOf(map.values<float>(), true), scale));
  }
  return SideBySide(pictures);
}

// As a picture, or one as an array.
absl::Status SaveKernels(const std::string& path, std::span<const Tensor> kernels) {
  if (path.ends_with(".npy")) {
    if (kernels.size() == 1) return SaveArray(path, kernels[0], "kernel");
    return absl::InvalidArgumentError("--output: expected one kernel for an .npy file");
  }
  WEFT_ASSIGN_OR_RETURN(const Picture picture, PictureOfKernels(kernels));
  return SavePicture(path, picture);
}

void PrintFilteredRange(const Tensor& results) {
  const ValueRange range = RangeOf(results.values<float>(), false);
  Print("results from %.4g to %.4g, a white pixel being 1\n", range.low, range.high);
}

absl::Status FilterFile(const FilterArguments& a) {
  if (a.kernel == "list") {
    PrintPictureKernels();
    return absl::OkStatus();
  }
  if (a.output.empty()) {
    return absl::InvalidArgumentError("--output: expected the picture to write, .png");
  }
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".png", ".npy"}));
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> kernels, KernelsOf(a));
  WEFT_RETURN_IF_ERROR(FilteredLookOf(a, kernels[0]).status());
  if (a.draw_kernel) {
    return SaveKernels(a.output, kernels);
  }
  if (a.file.empty()) return absl::InvalidArgumentError("expected a picture to filter");
  WEFT_RETURN_IF_ERROR(CheckOtherFile(a.file, a.output));
  WEFT_ASSIGN_OR_RETURN(Picture picture, LoadPicture(a.file));
  if (a.gray) picture = GrayPicture(picture);
  WEFT_ASSIGN_OR_RETURN(const Tensor results, FilterPicture(picture, kernels, a.options));
  PrintFilteredRange(results);
  if (a.output.ends_with(".npy")) return SaveArray(a.output, results, "filtered");
  WEFT_ASSIGN_OR_RETURN(const Picture shown, PictureOfResults(a, results, kernels));
  return SavePicture(a.output, shown);
}

}  // namespace

Command AddFilter(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "filter", "A picture under the kernels of lectures: edges, blurs, sharpening, Gabor");
  auto a = std::make_shared<FilterArguments>();
  app->add_option("file", a->file, "A picture: .png, .jpg, .bmp, .ppm or .pgm");
  app->add_option("--kernel", a->kernel,
                  "Its name, or several with commas between; list prints all")
      ->required();
  app->add_option("-o,--output", a->output, "The picture to write, .png, or the results, .npy");
  app->add_option("--size", a->numbers.size, "The kernel's extent, odd (default: its own)");
  app->add_option("--sigma", a->numbers.sigma,
                  "Deviation of a bell in pixels (default: by the size, gabor: the wavelength)");
  app->add_option("--wavelength", a->numbers.wavelength,
                  "gabor: pixels a wave (default: a third of the size)");
  app->add_option("--orientation", a->numbers.orientation,
                  "gabor: the wave's direction in degrees; 0 has upright stripes");
  app->add_option("--orientations", a->orientations,
                  "gabor: so many, evenly spread over half a turn from --orientation on");
  app->add_option("--phase", a->numbers.phase, "gabor: degrees, 0 for bars, 90 for edges");
  app->add_option("--aspect", a->numbers.aspect, "gabor: the bell's width over its length")
      ->capture_default_str();
  app->add_option("--padding", a->options.padding,
                  "Beyond the border: reflect, replicate, symmetric, circular or zeros")
      ->capture_default_str();
  app->add_option("--show", a->look,
                  "plain: 0 is black and 1 white; signed: 0 is gray; magnitude: of several kernels "
                  "the root of their squares' sum; auto: signed for kernels whose sum is 0")
      ->capture_default_str();
  app->add_flag("--gray", a->gray, "Filter the picture's brightness instead of its colors");
  app->add_flag("--draw-kernel", a->draw_kernel, "Write the kernel itself, enlarged");
  app->add_option("--threads", a->options.threads,
                  "Threads (default: all CPUs this process may use)");
  app->footer(
      "Examples: weft filter cat.png --kernel sobel_x -o edges.png\n"
      "          weft filter cat.png --kernel sobel_x,sobel_y --show magnitude --gray -o e.png\n"
      "          weft filter cat.png --kernel gabor --orientations 4 --phase 90 -o stripes.png");
  return {app, [a] { return FilterFile(*a); }};
}

}  // namespace weft
