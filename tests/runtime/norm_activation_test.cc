// Relu and Clip as part of the batch normalization before them, forward and backward.

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "autodiff/gradients.h"
#include "gmock/gmock.h"
#include "graph/emitter.h"
#include "gtest/gtest.h"
#include "ops/ops.h"
#include "runtime/exec/executable.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/batch_norm.h"
#include "runtime/onednn/common.h"
#include "tests/cases/cases.h"
#include "tests/cases/table.h"
#include "tests/runtime/close.h"
#include "tests/runtime/testing_candidates.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using Tag = dnnl::memory::format_tag;

const NormActivation kRelu = {.bounds = {.least = 0}, .open = true};
const NormActivation kClip = {.bounds = {.least = -0.25F, .most = 0.75F}};

KernelRequest RequestIn(const CaseNode& c, Tag tag, int threads) {
  KernelRequest request = RequestFor(c.node(), /*channels_last=*/false, threads);
  for (Layout& layout : request.inputs) {
    const Dims dims = layout.dims();
    if (dims.size() != 4) continue;
    layout = ToLayout({DnnlDims(dims), dnnl::memory::data_type::f32, tag}, dims);
  }
  return request;
}

// The step of its own that the activation would be: Relu or Clip, or its gradient, on row-major
// tensors.
Tensor ByAStepOfItsOwn(const NormActivation& activation, std::vector<Tensor> inputs) {
  const std::string op =
      absl::StrCat(activation.open ? "Relu" : "Clip", inputs.size() == 2 ? "Grad" : "");
  const Dims x = inputs[0].dims();
  OpCase row = {.op = op, .inputs = {Uniform(x)}, .outputs = {x}};
  if (inputs.size() == 2) row.inputs.push_back(Uniform(x));
  if (!activation.open) {
    for (const float bound : {activation.bounds.least, activation.bounds.most}) {
      row.inputs.push_back(Uniform({}));
      inputs.push_back(Tensor::Scalar(bound, DType::kF32));
    }
  }
  const CaseNode made(row);
  const Kernels kernels = FamiliesFor(op)[0](RequestFor(made.node(), false, 1)).value();
  return RunKernel(*kernels[0], inputs).value()[0];
}

// The first channel becomes the same number everywhere, and its result the least bound; that of the
// second is NaN, of the third infinite.
void MakeOdd(const NormActivation& activation, Tensor& x, Tensor& bias) {
  const int64_t channels = x.dims()[1], plane = x.dims()[2] * x.dims()[3];
  for (int64_t i = 0; i < x.size(); ++i) {
    if (i / plane % channels == 0) x.mutable_values<float>()[static_cast<size_t>(i)] = 10;
  }
  bias.mutable_values<float>()[0] = activation.bounds.least;
  bias.mutable_values<float>()[1] = std::numeric_limits<float>::quiet_NaN();
  bias.mutable_values<float>()[2] = -std::numeric_limits<float>::infinity();
}

// Each kernel against the one without, before or behind which the activation is.
void ExpectSameBits(const Dims& x, Tag tag, const NormActivation& activation, int threads) {
  const Dims c = {x[1]};
  CaseNode forward({.op = "BatchNormalization",
                    .attributes = {{"mode", "training"}},
                    .inputs = {Uniform(x, 9, 11), OffZero(c), Uniform(c), Uniform(c), Positive(c)},
                    .outputs = {x, c, c, c, c}});
  const CaseNode back({.op = "BatchNormalizationGrad",
                       .inputs = {Uniform(x), Uniform(x), OffZero(c), Uniform(c), Positive(c)},
                       .outputs = {x, c, c}});
  MakeOdd(activation, forward.inputs[0], forward.inputs[2]);
  RunScope scope(threads);
  const KernelRequest request = RequestIn(forward, tag, threads);
  const auto plain = RunKernel(**MakeBatchNorm(request, {}), forward.inputs).value();
  const auto bounded = RunKernel(**MakeBatchNorm(request, activation), forward.inputs).value();
  EXPECT_TRUE(bounded[0] == ByAStepOfItsOwn(activation, {plain[0]}));
  EXPECT_FALSE(bounded[0] == plain[0]);
  EXPECT_EQ(plain[0].values<float>()[0], activation.bounds.least);
  for (size_t i = 1; i < plain.size(); ++i) EXPECT_TRUE(bounded[i] == plain[i]) << i;

  const KernelRequest back_request = RequestIn(back, tag, threads);
  const Tensor dz = back.inputs[0];
  const Tensor dy = ByAStepOfItsOwn(activation, {dz, activation.open ? bounded[0] : plain[0]});
  std::vector<Tensor> inputs = {dy, forward.inputs[0], forward.inputs[1], plain[3], plain[4]};
  const Kernels without = FamiliesFor("BatchNormalizationGrad")[0](back_request).value();
  const auto expected = RunKernel(*without[0], inputs).value();
  inputs[0] = dz;
  inputs.push_back(forward.inputs[2]);
  const auto joined =
      MakeBatchNormGrad(back_request, activation, Layout::Plain(DType::kF32, c)).value();
  ASSERT_NE(joined, nullptr);
  const auto actual = RunKernel(*joined, inputs).value();
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(actual[i] == expected[i]) << i;
  EXPECT_TRUE(RunKernel(*joined, inputs, Alias{.output = 0, .input = 0}).value()[0] == expected[0]);
}

TEST(NormActivation, HasTheBitsOfAStepOfItsOwn) {
  SplitFinely(true);
  const auto expect_all = [] {
    for (const Dims& x : {Dims{5, 8, 26, 27}, {3, 4, 9, 11}, {2, 70, 3, 3}, {1, 20, 5, 5}}) {
      for (const Tag tag : {Tag::nchw, Tag::nhwc, Tag::nChw16c}) {
        for (const NormActivation& activation : {kRelu, kClip}) {
          for (const int threads : {1, 3}) {
            SCOPED_TRACE(absl::StrCat(ToString(x), " format ", static_cast<int>(tag), " threads ",
                                      threads, " least ", activation.bounds.least));
            ExpectSameBits(x, tag, activation, threads);
          }
        }
      }
    }
  };
  expect_all();
  WithOlderCpus(expect_all);
  SplitFinely(false);
}

TEST(NormActivation, BoundsThatPaddingIsOutOfAreRefused) {
  const Dims x = {2, 3, 4, 4}, c = {3};
  const CaseNode made({.op = "BatchNormalization",
                       .attributes = {{"mode", "inference"}},
                       .inputs = {Uniform(x), OffZero(c), Uniform(c), Uniform(c), Positive(c)},
                       .outputs = {x}});
  const KernelRequest request = RequestIn(made, Tag::nchw, 1);
  EXPECT_EQ(MakeBatchNorm(request, {.bounds = {.least = 1}}).value(), nullptr);
  EXPECT_EQ(MakeBatchNorm(request, {.bounds = {.most = -1}}).value(), nullptr);
  EXPECT_NE(MakeBatchNorm(request, {.bounds = {.least = -1, .most = 0}}).value(), nullptr);
}

// A step of a training: convolutions around a normalization with its activation.
struct Step {
  explicit Step(std::string_view op, bool shows_between = false) : graph(StandardOps()) {
    Emitter e(graph);
    const Value x = graph.AddInput("x", {DType::kF32, {Dim(4), Dim(8), Dim(9), Dim(7)}}).value();
    std::vector<Value> parameters;
    const auto variable = [&](const char* name, const Dims& dims, float step) {
      parameters.push_back(graph.AddVariable(name, Filled(dims, step)).value());
      return parameters.back();
    };
    const auto conv = [&](Value of, Value w) {
      return e.Op("Conv", {of, w}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
    };
    const Value w = variable("w", {16, 8, 3, 3}, 0.7F), scale = variable("scale", {16}, 0.4F),
                bias = variable("bias", {16}, 0.9F), v = variable("v", {8, 16, 3, 3}, 0.3F);
    const Value zero = e.Constant(Filled({16}, 0)), one = e.Constant(Filled({16}, 1.57F));
    Node* const norm = e.OpNode("BatchNormalization", {conv(x, w), scale, bias, zero, one},
                                {{"mode", "training"}}, 5);
    std::vector<Value> operands = {norm->output(0)};
    if (op == "Clip") {
      operands.push_back(e.Scalar(0, DType::kF32));
      operands.push_back(e.Scalar(0.5, DType::kF32));
    }
    const Value y = conv(e.Op(op, operands), v);
    const Value loss = e.Op("ReduceMean", {e.Op("Mul", {y, y})}, {{"keepdims", 0}});
    EXPECT_TRUE(e.ok()) << e.status();
    const Value ys[] = {loss};
    const auto gradients = Gradients(graph, ys, parameters).value();
    EXPECT_TRUE(graph.AddOutput("loss", loss).ok());
    for (size_t i = 0; i < gradients.size(); ++i) {
      EXPECT_TRUE(graph.AddOutput(absl::StrCat("d", i), gradients[i]).ok());
    }
    if (shows_between) {
      EXPECT_TRUE(graph.AddOutput("between", norm->output(0)).ok());
    }
  }
  static Tensor Filled(Dims dims, float step) {
    Tensor tensor = Tensor::Zeros(DType::kF32, std::move(dims)).value();
    float at = 0;
    for (float& v : tensor.mutable_values<float>()) v = std::sin(at += step);
    return tensor;
  }
  std::vector<Tensor> Results(const LowerOptions& options) const {
    const auto executable = Executable::Create(graph, {}, options).value();
    auto state = State::Create(graph).value();
    const auto context = Context::Create(*executable, state.get()).value();
    const std::vector<Tensor> feeds = {Filled({4, 8, 9, 7}, 1.1F)};
    std::vector<Tensor> outputs(graph.outputs().size());
    for (int run = 0; run < 2; ++run) {
      const absl::Status status = executable->Run(*context, feeds, outputs);
      EXPECT_TRUE(status.ok()) << status;
    }
    return outputs;
  }
  std::string PlanText() const { return Lower(graph, {.threads = 2})->ToString(); }
  int Count(std::string_view op) const {
    const Plan plan = Lower(graph, {.threads = 2}).value();
    return static_cast<int>(
        std::ranges::count_if(plan.steps, [&](const PlanStep& step) { return step.op == op; }));
  }

  Graph graph;
};

TEST(NormActivation, IsJoinedForwardAndBackwardWithTheSameBits) {
  for (const std::string op : {"Relu", "Clip"}) {
    SCOPED_TRACE(op);
    const Step joined(op), apart(op, /*shows_between=*/true);
    EXPECT_EQ(joined.Count(op) + joined.Count(op + "Grad"), 0) << joined.PlanText();
    EXPECT_THAT(joined.PlanText(), HasSubstr(", bounds"));
    EXPECT_EQ(apart.Count(op), 1) << apart.PlanText();
    EXPECT_EQ(apart.Count(op + "Grad"), 1) << apart.PlanText();
    const auto expected = joined.Results({.threads = 1, .reference_only = true});
    const auto steps = apart.Results({.threads = 2});
    for (const int threads : {1, 2, 3}) {
      const auto actual = joined.Results({.threads = threads});
      for (size_t i = 0; i < actual.size(); ++i) {
        ExpectClose(actual[i], expected[i], absl::StrCat("output ", i));
        EXPECT_TRUE(threads != 2 || actual[i] == steps[i]) << "output " << i;
      }
    }
  }
}

// x -> normalization -> the activations, one after the other.
Graph Chain(std::span<const std::pair<float, float>> clips, std::string_view mode) {
  Graph graph(StandardOps());
  Emitter e(graph);
  const Value x = graph.AddInput("x", {DType::kF32, {Dim(4), Dim(8), Dim(9), Dim(7)}}).value();
  const Value one = e.Constant(Step::Filled({8}, 1.57F));
  Value y{e.OpNode("BatchNormalization", {x, one, one, one, one}, {{"mode", std::string(mode)}}, 1),
          0};
  for (const auto& [least, most] : clips) {
    y = e.Op("Clip", {y, e.Scalar(least, DType::kF32), e.Scalar(most, DType::kF32)});
  }
  EXPECT_TRUE(e.ok()) << e.status();
  EXPECT_TRUE(graph.AddOutput("y", y).ok());
  return graph;
}

TEST(NormActivation, ASecondOneStaysAStep) {
  const std::pair<float, float> narrow = {-0.5F, 0.5F}, positive = {0.0F, 9.0F};
  for (const auto& clips : {std::vector{narrow, positive}, std::vector{positive, narrow}}) {
    const Graph graph = Chain(clips, "inference");
    const auto run = [&](const LowerOptions& options) {
      const auto executable = Executable::Create(graph, {}, options).value();
      const auto context = Context::Create(*executable).value();
      const std::vector<Tensor> feeds = {Step::Filled({4, 8, 9, 7}, 1.1F)};
      std::vector<Tensor> outputs(1);
      EXPECT_TRUE(executable->Run(*context, feeds, outputs).ok());
      return outputs[0];
    };
    EXPECT_THAT(Lower(graph, {.threads = 1})->ToString(), HasSubstr(", bounds"));
    ExpectClose(run({.threads = 1}), run({.threads = 1, .reference_only = true}), "chain");
  }
}

// Computed again for Relu's gradient alone, which needs it no more.
TEST(NormActivation, WhatNobodyReadsIsNotComputedAgain) {
  Graph graph(StandardOps());
  Emitter e(graph);
  const TensorType image = {DType::kF32, {Dim(4), Dim(8), Dim(9), Dim(7)}};
  const Value x = graph.AddInput("x", image).value(), dz = graph.AddInput("dz", image).value();
  const Value one = e.Constant(Step::Filled({8}, 1.57F)),
              bias = e.Constant(Step::Filled({8}, 0.4F));
  Node* const norm =
      e.OpNode("BatchNormalization", {x, one, bias, one, one}, {{"mode", "training"}}, 5);
  const Value mean{norm, 3}, variance{norm, 4};
  const Value again =
      e.Op("Relu",
           {e.Op("BatchNormalization", {x, one, bias, mean, variance}, {{"mode", "inference"}})});
  Node* const back = e.OpNode("BatchNormalizationGrad",
                              {e.Op("ReluGrad", {dz, again}), x, one, mean, variance}, {}, 3);
  ASSERT_TRUE(e.ok()) << e.status();
  ASSERT_TRUE(graph.AddOutput("y", e.Op("Relu", {norm->output(0)})).ok());
  ASSERT_TRUE(graph.AddOutput("dx", back->output(0)).ok());
  const Plan plan = Lower(graph, {.threads = 1}).value();
  EXPECT_EQ(std::ranges::count(plan.steps, "BatchNormalization", &PlanStep::op), 1)
      << plan.ToString();
  EXPECT_EQ(std::ranges::count(plan.steps, "ReluGrad", &PlanStep::op), 0);
  const auto run = [&](const LowerOptions& options) {
    const auto executable = Executable::Create(graph, {}, options).value();
    const auto context = Context::Create(*executable).value();
    const std::vector<Tensor> feeds = {Step::Filled({4, 8, 9, 7}, 1.1F),
                                       Step::Filled({4, 8, 9, 7}, 0.3F)};
    std::vector<Tensor> outputs(2);
    EXPECT_TRUE(executable->Run(*context, feeds, outputs).ok());
    return outputs;
  };
  const auto actual = run({.threads = 1}), expected = run({.threads = 1, .reference_only = true});
  ExpectClose(actual[0], expected[0], "y");
  ExpectClose(actual[1], expected[1], "dx");
}

}  // namespace
}  // namespace weft
