// The loss around the weights.
#include "frontend/inspect/layers/loss_surface.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "frontend/inspect/layers/activations.h"
#include "frontend/inspect/layers/contours.h"
#include "frontend/io/npy.h"
#include "frontend/session/session.h"
#include "graph/bind.h"
#include "testing_golden.h"
#include "testing_svg.h"
#include "tests/frontend/testing_cli.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

double NormOf(const Tensor& t, int64_t first, int64_t count) {
  double sum = 0;
  for (int64_t i = first; i < first + count; ++i) sum += t.At(i) * t.At(i);
  return std::sqrt(sum);
}

double LossOf(const Model& model, const std::shared_ptr<const Dataset>& data) {
  return (*Session::Create(model))->Evaluate(data)->loss();
}

TEST(LossSurface, EachFilterOfADirectionHasTheModelsNorm) {
  const Model model = GoldenModel("digits");
  const TensorMap direction = *FilterNormalizedDirection(model, 3, 0);
  int filters = 0;
  for (const Node* variable : model.graph.variables()) {
    const Tensor& weights = LeafValue(*variable);
    if (!IsTrainable(*variable) || weights.rank() < 2) {
      EXPECT_FALSE(direction.contains(variable->name())) << variable->name();
      continue;
    }
    const Tensor& d = direction.at(variable->name());
    const int64_t size = weights.size() / weights.dims()[0];
    for (int64_t f = 0; f < weights.dims()[0]; ++f, ++filters) {
      const double norm = NormOf(weights, f * size, size);
      EXPECT_NEAR(NormOf(d, f * size, size), norm, 1e-5 * norm) << variable->name() << " " << f;
    }
  }
  EXPECT_GT(filters, 20);
}

TEST(LossSurface, DirectionsDependOnSeedAndNumberAlone) {
  const Model model = GoldenModel("digits");
  const TensorMap a = *FilterNormalizedDirection(model, 3, 0);
  EXPECT_EQ(a, *FilterNormalizedDirection(model, 3, 0));
  for (const TensorMap& b :
       {*FilterNormalizedDirection(model, 4, 0), *FilterNormalizedDirection(model, 3, 1)}) {
    for (const auto& [name, d] : a) {
      double dot = 0;
      for (int64_t i = 0; i < d.size(); ++i) dot += d.At(i) * b.at(name).At(i);
      const double norm = NormOf(d, 0, d.size());
      // Random directions in hundreds of dimensions are nearly at right angles.
      EXPECT_LT(std::abs(dot) / norm / norm, 5 / std::sqrt(static_cast<double>(d.size()))) << name;
    }
  }
}

TEST(LossSurface, IsWhatEvaluationsSay) {
  const Model model = GoldenModel("digits");
  const auto data = *EvenSubset(GoldenData("digits"), 60);
  const LossSurface surface =
      *ComputeLossSurface(model, data, {.points = 3, .extent = 0.5, .examples = 0, .seed = 2});
  EXPECT_THAT(surface.steps, ElementsAre(-0.5, 0, 0.5));
  EXPECT_NEAR(surface.center(), LossOf(model, data), 1e-9);
  EXPECT_EQ(surface.accuracies.At(4), (*Session::Create(model))->Evaluate(data)->accuracy());
  const TensorMap first = *FilterNormalizedDirection(model, 2, 0),
                  second = *FilterNormalizedDirection(model, 2, 1);
  // By hand: row 0 is a step of -0.5 along the second, column 2 one of 0.5 along the first.
  Model moved(Clone(model.graph));
  moved.training = model.training;
  for (const auto& [name, direction] : first) {
    Tensor weights = LeafValue(*moved.graph.Find(name));
    for (int64_t i = 0; i < weights.size(); ++i) {
      weights.mutable_values<float>()[static_cast<size_t>(i)] +=
          static_cast<float>(0.5 * direction.At(i) - 0.5 * second.at(name).At(i));
    }
    ASSERT_TRUE(moved.graph.SetLeafValue(moved.graph.Find(name), weights).ok());
  }
  EXPECT_NEAR(surface.losses.At(2), LossOf(moved, data), 1e-4 * surface.losses.At(2));
}

TEST(LossSurface, CanBeInterrupted) {
  LossSurfaceOptions options{.points = 3, .examples = 5};
  options.progress = [](int64_t done, int64_t all) {
    EXPECT_EQ(all, 9);
    return done < 2;
  };
  const auto surface = ComputeLossSurface(GoldenModel("digits"), GoldenData("digits"), options);
  EXPECT_EQ(surface.status().code(), absl::StatusCode::kCancelled);
}

TEST(LossSurface, SaysWhatIsWrong) {
  const Model model = GoldenModel("digits");
  const auto message = [&](LossSurfaceOptions o) {
    return std::string(ComputeLossSurface(model, GoldenData("digits"), o).status().message());
  };
  EXPECT_THAT(message({.points = 4}),
              HasSubstr("expected an odd number of points in [1,1001], got 4"));
  EXPECT_THAT(message({.extent = 0}), HasSubstr("expected an extent above 0, got 0"));
  EXPECT_THAT(message({.examples = -1}), HasSubstr("got -1"));
  const Model optimized(*OptimizedForInference(model.graph));
  EXPECT_THAT(FilterNormalizedDirection(optimized, 0, 0).status().message(),
              HasSubstr("no trainable weights"));
  const TensorMap other = {{"nothing", Tensor::Scalar(1, DType::kF32)}};
  EXPECT_THAT(Moved(model, {{other}}, std::array{1.0}).status().message(),
              HasSubstr("no variable nothing"));
}

// 0 1 / 0 3 at 0.5: from the middle of the top edge to a sixth of the bottom one.
TEST(Contours, CrossEdgesByInterpolation) {
  const Tensor values = Tensor::FromValues<double>({2, 2}, std::array{0.0, 1.0, 0.0, 3.0}).value();
  const std::vector<ContourPiece> pieces = Contour(values, 0.5);
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_DOUBLE_EQ(pieces[0].x0, 0.5);
  EXPECT_DOUBLE_EQ(pieces[0].y0, 0);
  EXPECT_DOUBLE_EQ(pieces[0].x1, 1.0 / 6);
  EXPECT_DOUBLE_EQ(pieces[0].y1, 1);
  EXPECT_TRUE(Contour(values, 4).empty());
}

// x^2 + y^2 at 4: every end is at a distance of 2, as far as straight lines between whole numbers
// tell.
TEST(Contours, OfACircle) {
  Tensor values = Tensor::Zeros(DType::kF64, {21, 21}).value();
  for (int64_t i = 0; i < 441; ++i) {
    const double x = static_cast<double>(i % 21) / 4 - 2.5,
                 y = static_cast<double>(i / 21) / 4 - 2.5;
    values.mutable_values<double>()[static_cast<size_t>(i)] = x * x + y * y;
  }
  const std::vector<ContourPiece> pieces = Contour(values, 4);
  EXPECT_GT(pieces.size(), 40u);
  double length = 0;
  for (const ContourPiece& p : pieces) {
    EXPECT_NEAR(std::hypot(p.x0 / 4 - 2.5, p.y0 / 4 - 2.5), 2, 0.01);
    length += std::hypot(p.x1 - p.x0, p.y1 - p.y0) / 4;
  }
  EXPECT_NEAR(length, 2 * M_PI * 2, 0.05);
}

TEST(Contours, SaddlesAreDecidedByTheMiddle) {
  const auto ends = [](double other) {
    const Tensor values =
        Tensor::FromValues<double>({2, 2}, std::array{1.0, other, other, 1.0}).value();
    return Contour(values, 0.5)[0];
  };
  // The middle is above: the low upper right corner is cut off, from the top to the right.
  EXPECT_EQ(ends(0.2).y0, 0);
  EXPECT_EQ(ends(0.2).x1, 1);
  // Below: the high upper left corner is, from the left to the top.
  EXPECT_EQ(ends(-0.5).x0, 0);
  EXPECT_EQ(ends(-0.5).y1, 0);
}

TEST(Contours, WhatIsNotFiniteIsGray) {
  const std::array axis = {0.0, 1.0};
  const Tensor values =
      Tensor::FromValues<double>({2, 2}, std::array<double, 4>{1, 2, INFINITY, 4}).value();
  EXPECT_TRUE(Contour(values, 1.5).empty());
  EXPECT_THAT(*ContourSvg(axis, axis, values, {.title = "a<b"}), HasSubstr("#808080"));
  EXPECT_THAT(*ContourSvg(axis, axis, values, {.title = "a<b"}), HasSubstr("a&lt;b"));
  const Tensor none =
      Tensor::FromValues<double>({2, 2}, std::array<double, 4>{NAN, NAN, NAN, NAN}).value();
  EXPECT_THAT(ContourSvg(axis, axis, none, {}).status().message(), HasSubstr("no finite value"));
  EXPECT_THAT(ContourSvg(std::array{1.0}, axis, values, {}).status().message(),
              HasSubstr("of 2 or more rows and columns"));
}

std::string SurfaceSvg(const std::string& name, int64_t points) {
  const LossSurface s = *ComputeLossSurface(GoldenModel(name), GoldenData(name),
                                            {.points = points, .examples = 100, .seed = 1});
  return *ContourSvg(s.steps, s.steps, s.losses,
                     {.title = "Loss around the weights",
                      .x_label = "first direction",
                      .y_label = "second direction",
                      .log = true});
}

TEST(LossSurface, GoldenOfDigits) {
  ExpectGoldenSvg(SurfaceSvg("digits", 15), "loss_surface_digits");
}

TEST(LossSurface, GoldenOfPhotographs) {
  if (!HasSharedCifar()) GTEST_SKIP() << "there is no " << SharedCifar();
  ExpectGoldenSvg(SurfaceSvg("cifar", 9), "loss_surface_cifar");
}

using LossSurfaceCli = Cli;

TEST_F(LossSurfaceCli, WritesContoursAndLosses) {
  const std::string inspect = "inspect " + GoldenFolder() + "/digits.weft loss-surface ";
  EXPECT_THAT(Output(inspect + "--data digits:100 --points 3 -o s.svg"), HasSubstr("saved s.svg"));
  EXPECT_THAT(Output(inspect + "--data digits:100 --points 3 -o s.npy"), HasSubstr("saved s.npy"));
  EXPECT_EQ(ReadNpy(Path("s.npy"))->dims(), (Dims{3, 3}));
  EXPECT_THAT(Error(inspect + "--data digits:100 --points 2"), HasSubstr("odd number of points"));
  EXPECT_THAT(Error(inspect + "-o s.png"), HasSubstr(".svg or .npy"));
}

}  // namespace
}  // namespace weft
