// The kernels of lectures: against their formulas and what other libraries have.
#include "frontend/build/picture_kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <numeric>
#include <set>

#include "frontend/build/builder.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<double> KernelOf(std::string_view name, const KernelOptions& options = {}) {
  const absl::StatusOr<Tensor> kernel = MakePictureKernel(name, options);
  EXPECT_TRUE(kernel.ok()) << kernel.status();
  return {kernel->values<double>().begin(), kernel->values<double>().end()};
}

double SumOf(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

TEST(PictureKernels, AreThoseOfTextbooks) {
  EXPECT_THAT(KernelOf("sobel_x"), ElementsAre(-1, 0, 1, -2, 0, 2, -1, 0, 1));
  EXPECT_THAT(KernelOf("sobel_y"), ElementsAre(-1, -2, -1, 0, 0, 0, 1, 2, 1));
  EXPECT_THAT(KernelOf("laplacian"), ElementsAre(0, 1, 0, 1, -4, 1, 0, 1, 0));
  EXPECT_THAT(KernelOf("identity"), ElementsAre(0, 0, 0, 0, 1, 0, 0, 0, 0));
}

// OpenCV's getDerivKernels(1, 0, 5): (-1, -2, 0, 2, 1) across, (1, 4, 6, 4, 1) down.
TEST(PictureKernels, SobelOfFiveIsOpenCvs) {
  const std::vector<double> across = {-1, -2, 0, 2, 1}, down = {1, 4, 6, 4, 1};
  const std::vector<double> kernel = KernelOf("sobel_x", {.size = 5});
  for (size_t i = 0; i < 25; ++i) EXPECT_EQ(kernel[i], down[i / 5] * across[i % 5]) << i;
}

TEST(PictureKernels, BlursKeepBrightnessAndEdgesOfEvenAreasAreZero) {
  for (const PictureKernel& k : PictureKernels()) {
    const std::vector<double> kernel = KernelOf(k.name);
    double magnitudes = 0;
    for (const double v : kernel) magnitudes += std::abs(v);
    const double sum = SumOf(kernel);
    const bool keeps = k.name == "identity" || k.name == "box" || k.name == "gaussian" ||
                       k.name == "sharpen" || k.name == "unsharp" || k.name == "emboss";
    EXPECT_NEAR(sum, keeps ? 1 : 0, k.name == "gabor" ? 0.01 * magnitudes : 1e-12) << k.name;
  }
}

// exp(-1 / 2) / exp(0) between the middle and its neighbour for sigma 1.
TEST(PictureKernels, GaussianFallsAsTheBellDoes) {
  const std::vector<double> kernel = KernelOf("gaussian", {.size = 5, .sigma = 1});
  EXPECT_NEAR(kernel[13] / kernel[12], std::exp(-0.5), 1e-15);
  EXPECT_NEAR(kernel[18] / kernel[12], std::exp(-1.0), 1e-15);
}

// By hand: at (x, y) = (2, 0) of an upright wave exp(-4 / (2 * 9)) * cos(2 pi 2 / 8), at (0, 3) the
// bell alone with aspect 0.5; turned by 90 degrees these change places.
TEST(PictureKernels, GaborIsItsFormula) {
  const KernelOptions o = {.size = 9, .sigma = 3, .wavelength = 8};
  const std::vector<double> upright = KernelOf("gabor", o);
  const auto at = [](const std::vector<double>& k, int x, int y) {
    return k[static_cast<size_t>((y + 4) * 9 + x + 4)];
  };
  EXPECT_EQ(at(upright, 0, 0), 1);
  EXPECT_NEAR(at(upright, 2, 0), std::exp(-4.0 / 18) * std::cos(std::numbers::pi / 2), 1e-15);
  EXPECT_NEAR(at(upright, 4, 0), -std::exp(-16.0 / 18), 1e-15);
  EXPECT_NEAR(at(upright, 0, 3), std::exp(-0.25 * 9 / 18), 1e-15);
  KernelOptions turned = o;
  turned.orientation = 90;
  const std::vector<double> lying = KernelOf("gabor", turned);
  EXPECT_NEAR(at(lying, 0, 4), -std::exp(-16.0 / 18), 1e-15);
  EXPECT_NEAR(at(lying, 3, 0), std::exp(-0.25 * 9 / 18), 1e-15);
  KernelOptions odd = o;
  odd.phase = 90;  // cos(a + 90) is -sin(a)
  EXPECT_NEAR(at(KernelOf("gabor", odd), 2, 0), -std::exp(-4.0 / 18), 1e-15);
  EXPECT_NEAR(at(KernelOf("gabor", odd), 0, 3), 0, 1e-15);
}

TEST(PictureKernels, BankIsOfDifferentKernelsOfMeanZeroAndNormOne) {
  const Tensor bank = *GaborBank(32, 7);
  ASSERT_EQ(bank.dims(), (Dims{32, 7, 7}));
  for (size_t i = 0; i < 32; ++i) {
    const auto a = bank.values<double>().subspan(i * 49, 49);
    EXPECT_NEAR(std::accumulate(a.begin(), a.end(), 0.0), 0, 1e-12);
    EXPECT_NEAR(std::inner_product(a.begin(), a.end(), a.begin(), 0.0), 1, 1e-12);
    for (size_t j = 0; j < i; ++j) {
      const auto b = bank.values<double>().subspan(j * 49, 49);
      EXPECT_LT(std::inner_product(a.begin(), a.end(), b.begin(), 0.0), 0.99) << i << " " << j;
    }
  }
}

// Stripes of a wavelength and an orientation excite the pair of kernels (phases 0 and 90) made for
// them most, those at right angles hardly.
TEST(PictureKernels, GaborKernelsPreferTheirOrientation) {
  constexpr int kOrientations = 8;
  for (int stripes = 0; stripes < kOrientations; ++stripes) {
    std::vector<double> energies;
    for (int o = 0; o < kOrientations; ++o) {
      double energy = 0;
      for (const double phase : {0.0, 90.0}) {
        const std::vector<double> kernel = KernelOf(
            "gabor",
            {.size = 25, .orientation = 22.5 * o, .wavelength = 6, .phase = phase, .aspect = 1});
        double response = 0;
        for (int i = 0; i < 25 * 25; ++i) {
          const double angle = 22.5 * stripes * std::numbers::pi / 180;
          const double along = (i % 25 - 12) * std::cos(angle) + (i / 25 - 12) * std::sin(angle);
          response +=
              kernel[static_cast<size_t>(i)] * std::sin(2 * std::numbers::pi * along / 6 + 0.7);
        }
        energy += response * response;
      }
      energies.push_back(std::sqrt(energy));
    }
    const auto most = std::max_element(energies.begin(), energies.end());
    EXPECT_EQ(most - energies.begin(), stripes);
    EXPECT_LT(energies[static_cast<size_t>((stripes + 4) % kOrientations)], 0.01 * *most);
  }
}

TEST(PictureKernels, SayWhatIsWrong) {
  const auto message = [](std::string_view name, const KernelOptions& o = {}) {
    return std::string(MakePictureKernel(name, o).status().message());
  };
  EXPECT_THAT(message("sobelx"), HasSubstr("no kernel is called sobelx, did you mean sobel_x?"));
  EXPECT_THAT(message("emboss", {.size = 5}), HasSubstr("it is 3x3, got a size of 5"));
  EXPECT_THAT(message("box", {.size = 4}), HasSubstr("expected an odd size in [3,255], got 4"));
  EXPECT_THAT(message("gabor", {.sigma = -1}), HasSubstr("expected sigma in (0,1e6), got -1"));
  EXPECT_THAT(message("gabor", {.phase = NAN}), HasSubstr("expected finite angles"));
  // Pascal's numbers leave f32; a bell that narrow is 0/0 in its middle.
  EXPECT_THAT(message("sobel_x", {.size = 101}), HasSubstr("is no finite f32 for size 101"));
  EXPECT_THAT(message("gaussian", {.sigma = 1e-200}), HasSubstr("is no finite f32"));
  EXPECT_THAT(message("log", {.sigma = 1e-200}), HasSubstr("is no finite f32"));
  EXPECT_THAT(message("unsharp", {.sigma = 1e-200}), HasSubstr("is no finite f32"));
  EXPECT_THAT(GaborBank(0, 5).status().message(), HasSubstr("expected 1 kernel or more"));
  EXPECT_THAT(GaborBank(4, 1).status().message(), HasSubstr("expected an odd size"));
}

Tensor WeightsBy(const Initializer& init, int64_t inputs, int64_t kernel) {
  Builder b;
  const Value x = b.Input("x", {"N", inputs, 16, 16});
  b.Output("y", b.Conv2d(x, {.channels = 16, .kernel = kernel, .init = init, .name = "conv1"}));
  const absl::StatusOr<Model> model = b.Build();
  EXPECT_TRUE(model.ok()) << model.status();
  return LeafValue(*model->graph.Find("conv1.weight"));
}

TEST(KernelInitializer, GaborFiltersHaveTheNormOfHes) {
  const Tensor w = WeightsBy(Initializer::Gabor(), 3, 7);
  const Tensor bank = *GaborBank(16, 7);
  for (size_t o = 0; o < 16; ++o) {
    double squares = 0;
    for (size_t i = 0; i < 3 * 49; ++i) {
      const double v = w.values<float>()[o * 147 + i];
      squares += v * v;
      EXPECT_NEAR(v, bank.values<double>()[o * 49 + i % 49] * std::sqrt(2.0 / 3), 1e-6);
    }
    EXPECT_NEAR(squares, 2, 1e-5);
  }
}

TEST(KernelInitializer, KernelsAreSharedByInputs) {
  const Tensor w = WeightsBy(Initializer::Kernel("sobel_x"), 2, 3);
  for (int64_t i = 0; i < w.size(); ++i) {
    EXPECT_EQ(w.At(i), KernelOf("sobel_x")[static_cast<size_t>(i % 9)] / 2);
  }
}

TEST(KernelInitializer, IsKnownByName) {
  EXPECT_EQ(WeightsBy(*ParseInitializer("gabor(2)"), 1, 5), WeightsBy(Initializer::Gabor(2), 1, 5));
  EXPECT_EQ(WeightsBy(*ParseInitializer("sobel_y"), 1, 3),
            WeightsBy(Initializer::Kernel("sobel_y"), 1, 3));
  EXPECT_THAT(ParseInitializer("sobel_z").status().message(),
              HasSubstr("weft filter --kernel list"));
}

TEST(KernelInitializer, RefusesOtherWeights) {
  const auto make = [](const Initializer& init, Dims dims) {
    return std::string(init.Make(DType::kF32, dims, FansOf(dims), 0, "w").status().message());
  };
  EXPECT_THAT(make(Initializer::Gabor(), {4, 4}),
              HasSubstr("initial values of w: expected weights [O,I,H,W] of a square kernel, got"));
  EXPECT_THAT(make(Initializer::Kernel("emboss"), {4, 1, 5, 5}), HasSubstr("it is 3x3"));
  EXPECT_THAT(make(Initializer::Kernel("nothing"), {4, 1, 3, 3}), HasSubstr("no kernel is called"));
}

}  // namespace
}  // namespace weft
