#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "gtest/gtest.h"
#include "ops/fused_elementwise.h"
#include "ops/post_ops.h"
#include "ops/reference.h"
#include "runtime/exec/parallel.h"
#include "runtime/kernel.h"
#include "runtime/onednn/conv_problem.h"
#include "runtime/onednn/families.h"
#include "tests/cases/cases.h"
#include "tests/cases/table.h"
#include "tests/runtime/close.h"

// Every kernel that any family offers for an op case, not only the one that the planner would
// choose, and for inputs that come row-major or channels-last.

namespace weft {
namespace {

const RandomKey kKey{.seed = 5, .step = 2, .first_example = 3};

Layout PlainOf(const TensorType& type) {
  return Layout::Plain(type.dtype, *StaticDims(type.shape));
}

// Images are channels-last where `channels_last`.
KernelRequest RequestFor(const Node& node, bool channels_last, int threads) {
  KernelRequest request{.node = node, .threads = threads};
  for (const Value& v : node.inputs()) {
    Layout layout = v ? PlainOf(v.type()) : Layout();
    if (channels_last && v && layout.dtype() == DType::kF32 && layout.dims().size() > 2 &&
        layout.bytes() > 0) {
      layout = ToLayout(ChannelsLast(layout.dims()), layout.dims());
    }
    request.inputs.push_back(std::move(layout));
    request.constant.push_back(v && ConstantValue(v) != nullptr);
  }
  for (int i = 0; i < node.num_outputs(); ++i) {
    request.outputs.push_back(*StaticDims(node.type(i).shape));
  }
  return request;
}

using Memory = std::shared_ptr<std::byte>;

Memory Reordered(std::byte* data, const Layout& from, const Layout& to) {
  Memory result = AllocateAligned(to.bytes());
  if (from == to) {
    std::copy_n(data, to.bytes(), result.get());
    return result;
  }
  const auto kernel = MakeReorder(from, to);
  EXPECT_TRUE(kernel.ok()) << kernel.status();
  const Memory scratch = AllocateAligned((*kernel)->scratch_bytes());
  const auto bound =
      (*kernel)->Bind({.inputs = {data}, .outputs = {result.get()}, .scratch = scratch.get()});
  EXPECT_TRUE(bound.ok()) << bound.status();
  EXPECT_TRUE((*bound)->Run({}).ok());
  return result;
}

// The outputs of `kernel` for row-major inputs, one of them in an input's memory if `shared`.
absl::StatusOr<std::vector<Tensor>> RunKernel(const Kernel& kernel, const Node& node,
                                              const std::vector<Tensor>& inputs,
                                              std::optional<Alias> shared = std::nullopt) {
  std::vector<Memory> memory;
  Bindings bindings;
  for (size_t i = 0; i < inputs.size(); ++i) {
    bindings.inputs.push_back(nullptr);
    if (inputs[i].is_empty() || !kernel.Reads(static_cast<int>(i))) continue;
    memory.push_back(Reordered(const_cast<std::byte*>(inputs[i].data()),
                               Layout::Plain(inputs[i].dtype(), inputs[i].dims()),
                               kernel.inputs()[i]));
    bindings.inputs.back() = memory.back().get();
  }
  for (const Layout& layout : kernel.outputs()) {
    memory.push_back(AllocateAligned(layout.bytes()));
    bindings.outputs.push_back(memory.back().get());
  }
  if (shared) {
    bindings.outputs[static_cast<size_t>(shared->output)] =
        bindings.inputs[static_cast<size_t>(shared->input)];
  }
  const Memory scratch = AllocateAligned(kernel.scratch_bytes());
  const Memory workspace = AllocateAligned(kernel.workspace_bytes());
  bindings.scratch = scratch.get();
  bindings.workspace = workspace.get();
  WEFT_ASSIGN_OR_RETURN(const auto bound, kernel.Bind(bindings));
  const int repeats = shared ? 1 : 2;  // the input is gone after the first
  for (int i = 0; i < repeats; ++i) WEFT_RETURN_IF_ERROR(bound->Run(kKey));
  std::vector<Tensor> outputs;
  for (size_t i = 0; i < kernel.outputs().size(); ++i) {
    const Layout plain = PlainOf(node.type(static_cast<int>(i)));
    const Memory bytes = Reordered(bindings.outputs[i], kernel.outputs()[i], plain);
    WEFT_ASSIGN_OR_RETURN(outputs.emplace_back(), Tensor::FromBytes(plain.dtype(), plain.dims(),
                                                                    {bytes.get(), plain.bytes()}));
  }
  return outputs;
}

std::vector<Tensor> InputsOf(const OpCase& c) {
  const TensorMap feeds = MakeFeeds(c, DType::kF32);
  const absl::StatusOr<Graph> graph = BuildCase(c, DType::kF32);
  std::vector<Tensor> inputs;
  for (const Value& v : graph->Find("node")->inputs()) {
    if (!v) {
      inputs.emplace_back();
    } else if (v.node->op_name() == kInput) {
      inputs.push_back(feeds.at(v.node->name()));
    } else {
      inputs.push_back(LeafValue(*v.node));
    }
  }
  return inputs;
}

struct CaseNode {
  absl::StatusOr<Graph> graph;
  std::vector<Tensor> inputs;
  absl::StatusOr<std::vector<Tensor>> expected;

  explicit CaseNode(const OpCase& c) : graph(BuildCase(c, DType::kF32)), inputs(InputsOf(c)) {
    expected = ReferenceEvaluator(kKey).RunNode(node(), inputs);
  }
  const Node& node() const { return *graph->Find("node"); }
};

// The ways in which the planner may have `kernel` write over inputs.
std::vector<Alias> AliasesOf(const Kernel& kernel, const Node& node) {
  if (node.op().aliases == nullptr) return {};
  std::vector<Alias> aliases = node.op().aliases(node);
  std::erase_if(aliases, [&](const Alias& a) {
    return !kernel.AllowsInPlace(a.output, a.input) || !kernel.Reads(a.input) ||
           kernel.inputs()[static_cast<size_t>(a.input)] !=
               kernel.outputs()[static_cast<size_t>(a.output)];
  });
  return aliases;
}

void ExpectAgreement(const CaseNode& c, const KernelRequest& request, KernelFamily family,
                     absl::FunctionRef<void(const Kernel&)> see) {
  const absl::StatusOr<Kernels> kernels = family(request);
  ASSERT_TRUE(kernels.ok()) << kernels.status();
  for (const std::unique_ptr<Kernel>& kernel : *kernels) {
    const std::string what =
        absl::StrCat(kernel->implementation(), " -> ", kernel->outputs()[0].name());
    SCOPED_TRACE(what);
    see(*kernel);
    // Winograd's transforms cost a digit; the planner does not choose it unasked.
    const bool wino = kernel->implementation().find("wino") != std::string::npos;
    std::vector<std::optional<Alias>> ways = {std::nullopt};
    for (const Alias& alias : AliasesOf(*kernel, c.node())) ways.emplace_back(alias);
    for (const std::optional<Alias>& shared : ways) {
      const auto actual = RunKernel(*kernel, c.node(), c.inputs, shared);
      ASSERT_TRUE(actual.ok()) << actual.status();
      for (size_t i = 0; i < c.expected->size(); ++i) {
        ExpectClose((*actual)[i], (*c.expected)[i], shared ? what + " in place" : what,
                    wino ? 1e-4 : 1e-5);
      }
    }
  }
}

// Runs all that the families offer for the case, and calls `see` with each kernel.
void ExpectAgreement(
    const OpCase& c, std::span<const KernelFamily> families,
    absl::FunctionRef<void(const Kernel&)> see = [](const Kernel&) {}) {
  SCOPED_TRACE(c.TestName());
  const CaseNode made(c);
  ASSERT_TRUE(made.expected.ok()) << made.expected.status();
  RunScope scope(2);
  for (const bool channels_last : {false, true}) {
    const KernelRequest request = RequestFor(made.node(), channels_last, 2);
    for (KernelFamily family : families) ExpectAgreement(made, request, family, see);
  }
}

class Candidates : public testing::TestWithParam<OpCase> {};

TEST_P(Candidates, AllAgreeWithTheReference) {
  ExpectAgreement(GetParam(), FamiliesFor(GetParam().op));
}

// Shapes that reach kernels which the small ones of the table do not: many channels, tensors above
// the limit of our own loops, weights that are packed once.
std::vector<OpCase> LargeCases() {
  const Attribute same(Ints{1, 1, 1, 1});
  const CaseInput x = Uniform({2, 40, 9, 9}), w = Uniform({48, 40, 3, 3}),
                  y = Uniform({2, 48, 9, 9});
  const CaseInput image = Uniform({3, 20, 8, 8}), row = Uniform({70});
  std::vector<OpCase> cases = {
      {.op = "Conv",
       .name = "channels",
       .attributes = {{"pads", same}},
       .inputs = {x, w, Uniform({48})},
       .outputs = {y.dims}},
      {.op = "Conv",
       .name = "packed_weights",
       .attributes = {{"pads", same}},
       .inputs = {x, Constant(w)},
       .outputs = {y.dims}},
      {.op = "FusedConv",
       .name = "channels_add_relu",
       .attributes = {{"pads", same},
                      {"post_ops", std::vector<PostOp>{{.op = "Add", .input = 3}, {.op = "Relu"}}}},
       .inputs = {x, w, Uniform({48}), y},
       .outputs = {y.dims}},
      {.op = "ConvGradInput",
       .name = "channels",
       .attributes = {{"pads", same}},
       .inputs = {y, w, x},
       .outputs = {x.dims}},
      {.op = "ConvGradWeight",
       .name = "channels",
       .attributes = {{"pads", same}},
       .inputs = {y, x, w},
       .outputs = {w.dims, {48}}},
      {.op = "Gemm",
       .name = "packed",
       .inputs = {Uniform({64, 90}), Constant(Uniform({90, 70})), row},
       .outputs = {{64, 70}}},
      {.op = "Gemm",
       .name = "packed_trans_b",
       .attributes = {{"transB", 1}},
       .inputs = {Uniform({64, 90}), Constant(Uniform({70, 90})), row},
       .outputs = {{64, 70}}},
      {.op = "Gemm",
       .name = "packed_trans_both",
       .attributes = {{"transA", 1}, {"transB", 1}},
       .inputs = {Uniform({90, 64}), Constant(Uniform({70, 90})), row},
       .outputs = {{64, 70}}},
      {.op = "FusedGemm",
       .name = "packed_trans_b_add_gelu",
       .attributes = {{"transB", 1},
                      {"post_ops", std::vector<PostOp>{{.op = "Add", .input = 3}, {.op = "Gelu"}}}},
       .inputs = {Uniform({64, 90}), Constant(Uniform({70, 90})), row, Uniform({64, 70})},
       .outputs = {{64, 70}}},
      {.op = "FusedMatMul",
       .name = "packed_add",
       .attributes = {{"post_ops", std::vector<PostOp>{{.op = "Add", .input = 2}}}},
       .inputs = {Uniform({2, 32, 90}), Constant(Uniform({90, 70})), Uniform({2, 32, 70})},
       .outputs = {{2, 32, 70}}},
      {.op = "FusedMatMul",
       .name = "heads_add",
       .attributes = {{"post_ops", std::vector<PostOp>{{.op = "Add", .input = 2}}}},
       .inputs = {Uniform({2, 3, 20, 9}), Uniform({2, 3, 9, 15}), Uniform({2, 3, 20, 15})},
       .outputs = {{2, 3, 20, 15}}},
      {.op = "AveragePool",
       .name = "tiles",
       .attributes = {{"kernel_shape", Ints{2, 4}}, {"strides", Ints{2, 4}}},
       .inputs = {image},
       .outputs = {{3, 20, 4, 2}}},
      {.op = "AveragePoolGrad",
       .name = "tiles",
       .attributes = {{"kernel_shape", Ints{2, 4}}, {"strides", Ints{2, 4}}},
       .inputs = {Uniform({3, 20, 4, 2}), image},
       .outputs = {image.dims}},
      {.op = "ChannelShuffle",
       .name = "many_positions",
       .attributes = {{"group", 5}},
       .inputs = {Uniform({3, 40, 31, 29})},
       .outputs = {{3, 40, 31, 29}}},
      {.op = "SqueezeExcitation",
       .name = "many_examples",
       .inputs = {Uniform({7, 200, 11, 9}), Uniform({50, 200, 1, 1}), Uniform({50}),
                  Uniform({200, 50, 1, 1}), Uniform({200})},
       .outputs = {{7, 200, 11, 9}}},
      {.op = "Softmax",
       .name = "1000_classes",
       .inputs = {Uniform({9, 1000}, -9, 9)},
       .outputs = {{9, 1000}}},
      {.op = "ReduceSum",
       .name = "100000",
       .inputs = {Uniform({100, 1000}, 0, 1)},
       .outputs = {{1, 1}}},
  };
  for (const char* op : {"Add", "Sub", "Mul", "Div"}) {
    cases.push_back({.op = op,
                     .name = "same",
                     .inputs = {image, OffZero(image.dims)},
                     .outputs = {image.dims}});
    cases.push_back({.op = op,
                     .name = "channel",
                     .inputs = {image, OffZero({20, 1, 1})},
                     .outputs = {image.dims}});
    cases.push_back({.op = op,
                     .name = "channel_first",
                     .inputs = {Uniform({20, 1, 1}), OffZero(image.dims)},
                     .outputs = {image.dims}});
    cases.push_back({.op = op,
                     .name = "scalar_first",
                     .inputs = {Uniform({}), OffZero(image.dims)},
                     .outputs = {image.dims}});
  }
  return cases;
}

// Kernels of our own that take channels side by side, in the library's blocks too.
TEST(BlockCandidates, AgreeWithTheReference) {
  using Tag = dnnl::memory::format_tag;
  RunScope scope(2);
  for (const OpCase& c : RunnableCases()) {
    if ((c.op != "ChannelShuffle" && c.op != "SqueezeExcitation") || c.outputs[0].size() != 4 ||
        c.outputs[0][0] == 0) {
      continue;
    }
    SCOPED_TRACE(c.TestName());
    const CaseNode made(c);
    KernelRequest request = RequestFor(made.node(), /*channels_last=*/false, 2);
    const Dims& dims = c.outputs[0];
    for (const Tag tag : {Tag::aBcd8b, Tag::aBcd16b}) {
      const MemoryDesc desc(DnnlDims(dims), dnnl::memory::data_type::f32, tag);
      request.inputs[0] = ToLayout(desc, dims);
      int kernels = 0;
      ExpectAgreement(made, request, FamiliesFor(c.op)[0], [&](const Kernel& kernel) {
        EXPECT_EQ(kernel.inputs()[0], request.inputs[0]);
        EXPECT_EQ(kernel.outputs()[0], request.inputs[0]);
        ++kernels;
      });
      EXPECT_EQ(kernels, 1);
    }
  }
}

// Whatever a convolution's result is, its activation answers as it does alone: NaN stays NaN.
TEST(FusedConvCandidates, ActivationsKeepNaN) {
  CaseInput x{.dims = {1, 24, 5, 5}, .fill = CaseInput::Fill::kValues};
  for (int i = 0; i < 24 * 25; ++i) x.values.push_back(i % 17 / 8.0 - 1);
  x.values[7] = NAN;
  for (const std::string& op : PostOpNames()) {
    if (TakesOperand(*FindPostOp(op))) continue;
    const PostOp activation{.op = op}, add{.op = "Add", .input = 3};
    for (const auto& posts : {std::vector{activation}, std::vector{add, activation},
                              std::vector{activation, add, activation}}) {
      int kernels = 0;
      const CaseInput y = Uniform({1, 40, 5, 5});
      OpCase c{.op = "FusedConv",
               .name = op,
               .attributes = {{"post_ops", posts}},
               .inputs = {x, Uniform({40, 24, 1, 1}), Uniform({40})},
               .outputs = {y.dims}};
      if (posts.size() > 1) c.inputs.push_back(y);
      ExpectAgreement(c, FamiliesFor("FusedConv"), [&](const Kernel&) { ++kernels; });
      EXPECT_GT(kernels, 2) << op;
    }
  }
}

// A chain in blocks of channels: in the layout that its full operands come in where its other ones
// vary by channel and padding stays zero, row-major otherwise.
TEST(ChainCandidates, FollowBlocksOfChannels) {
  using Tag = dnnl::memory::format_tag;
  const auto chain = [&](Dims x, Dims operand, const char* first = "Mul") {
    const std::vector<PostOp> steps = {
        {.op = first, .input = 1}, {.op = "Add", .input = 2}, {.op = "Relu"}};
    return OpCase{"FusedElementwise",
                  "",
                  {{"steps", steps}},
                  {Uniform(x), Uniform(std::move(operand)), Uniform(x)},
                  {x}};
  };
  const auto expect = [](const OpCase& c, Tag tag, std::string_view name) {
    const absl::StatusOr<Graph> graph = BuildCase(c, DType::kF32);
    const Node& node = *graph->Find("node");
    KernelRequest request = RequestFor(node, false, 2);
    const Dims& x = request.outputs[0];
    request.inputs[0] = ToLayout({x, dnnl::memory::data_type::f32, tag}, x);
    const Kernels kernels = FamiliesFor(c.op)[0](request).value();
    ASSERT_EQ(kernels.size(), 1u);
    EXPECT_EQ(kernels[0]->outputs()[0].name(), name);
    RunScope scope(2);
    const std::vector<Tensor> inputs = InputsOf(c);
    const auto expected = ReferenceEvaluator(kKey).RunNode(node, inputs).value();
    const auto actual = RunKernel(*kernels[0], node, inputs).value();
    ExpectClose(actual[0], expected[0], std::string(name), 1e-5);
  };
  expect(chain({2, 32, 9, 11}, {32, 1, 1}), Tag::nChw8c, "aBcd8b");
  expect(chain({3, 32, 5, 1}, {3, 32, 1, 1}), Tag::nChw16c, "aBcd16b");
  expect(chain({1, 16, 40, 7}, {16, 1, 1}), Tag::nChw16c, "Bacd16b");
  expect(chain({2, 32, 5, 5}, {}), Tag::nChw16c, "aBcd16b");
  expect(chain({2, 16, 70}, {2, 1, 1}), Tag::nCw8c, "aBc8b");
  expect(chain({2, 24, 5, 7}, {24, 1, 1}), Tag::nhwc, "acdb");
  expect(chain({1, 24, 1, 700}, {24, 1, 1}), Tag::nhwc, "acdb");
  expect(chain({2, 32, 5, 5}, {5, 5}), Tag::nChw16c, "plain");
  expect(chain({2, 20, 5, 9}, {20, 1, 1}), Tag::nChw16c, "aBcd16b");
  expect(chain({2, 20, 30, 5}, {2, 20, 1, 1}), Tag::nChw8c, "aBcd8b");
  expect(chain({2, 3, 5, 5}, {3, 1, 1}, "Max"), Tag::nChw8c, "aBcd8b");
  expect(chain({2, 20, 5, 5}, {20, 1, 1}, "Div"), Tag::nChw16c, "plain");
  expect(chain({2, 20, 5, 5}, {}), Tag::nChw16c, "plain");  // a number that only a run knows
}

// Every op that may be a step has vectors, in the layout of a chain and in memory of any operand.
TEST(ChainCandidates, AreThereForEveryStep) {
  for (const std::string& op : ElementwiseStepOps()) {
    const int64_t input = IsBinaryStep(op) ? 0 : -1;
    const OpCase c{"FusedElementwise",
                   op,
                   {{"steps", std::vector<PostOp>{{.op = op, .input = input}}}},
                   {Positive({2, 17, 4, 4})},
                   {{2, 17, 4, 4}}};
    int kernels = 0;
    ExpectAgreement(c, FamiliesFor(c.op), [&](const Kernel& kernel) {
      ++kernels;
      EXPECT_TRUE(kernel.AllowsInPlace(0, 0));
    });
    EXPECT_EQ(kernels, 2) << op;
  }
}

// Convolutions of the shape for which oneDNN 3.7 divides by zero on a machine that names no caches.
std::vector<OpCase> DividingCases() {
  const AttributeMap strided = {{"strides", Ints{2, 2}}};
  const CaseInput x = Uniform({1, 512, 4, 4}), w = Uniform({1024, 512, 1, 1}),
                  y = Uniform({1, 1024, 2, 2});
  AttributeMap residual = strided;
  residual.emplace("post_ops", std::vector<PostOp>{{.op = "Add", .input = 3}, {.op = "Relu"}});
  return {{"Conv", "", strided, {x, w, Uniform({1024})}, {y.dims}},
          {"FusedConv", "", residual, {x, w, Uniform({1024}), y}, {y.dims}},
          {"ConvGradInput", "", strided, {y, w, x}, {x.dims}},
          {"ConvGradWeight", "", strided, {y, x, w}, {w.dims, {1024}}},
          {"ConvTranspose",
           "",
           {{"strides", Ints{2, 2}}, {"output_padding", Ints{1, 1}}},
           {y, w},
           {x.dims}}};
}

TEST(ConvCandidates, WithoutCachesTheDivisionByZeroIsAvoided) {
  const std::map<std::string, KernelFamily> families = {
      {"Conv", [](const KernelRequest& r) { return DnnlConv(r, Caches::kUnknown); }},
      {"FusedConv", [](const KernelRequest& r) { return DnnlConv(r, Caches::kUnknown); }},
      {"ConvGradInput",
       [](const KernelRequest& r) { return DnnlConvGradInput(r, Caches::kUnknown); }},
      {"ConvGradWeight",
       [](const KernelRequest& r) { return DnnlConvGradWeight(r, Caches::kUnknown); }},
      {"ConvTranspose",
       [](const KernelRequest& r) { return DnnlConvTranspose(r, Caches::kUnknown); }},
  };
  for (const OpCase& c : DividingCases()) {
    bool product = false;
    const KernelFamily family = families.at(c.op);
    ExpectAgreement(c, {&family, 1}, [&](const Kernel& kernel) {
      // Images of any other format are what the library divides by zero for.
      for (const Layout& layout : kernel.inputs()) {
        const bool image = layout.dims().size() == 4 && layout.dims()[2] > 1;
        EXPECT_TRUE(layout.is_plain() || !image);
      }
      product |= KindOf(kernel.implementation()) == ImplementationKind::kMatrixProduct;
    });
    EXPECT_TRUE(product) << c.op;
  }
}

// Only where it must be.
TEST(ConvCandidates, OtherConvolutionsKeepTheirFormats) {
  using Kind = ConvFormats::Kind;
  const auto kinds = [](const Dims& x, const Dims& w, Caches caches) {
    const auto problem = ReadConvProblem({}, x, w);
    EXPECT_TRUE(problem.ok()) << problem.status();
    std::vector<Kind> result;
    for (const ConvFormats& formats : ConvFormatsToTry(*problem, caches)) {
      result.push_back(formats.kind);
    }
    return result;
  };
  const std::vector<Kind> all = {Kind::kChannelsLast, Kind::kAny, Kind::kRowMajor};
  const std::vector<Kind> row_major = {Kind::kRowMajor};
  const Dims x = {1, 512, 4, 4}, w = {1024, 512, 1, 1};
  EXPECT_EQ(kinds(x, w, Caches::kKnown), all);
  EXPECT_EQ(kinds(x, w, Caches::kUnknown), row_major);
  EXPECT_EQ(kinds({1, 1024, 4, 4}, {512, 1024, 1, 1}, Caches::kUnknown), row_major);
  EXPECT_EQ(kinds(x, {1000, 512, 1, 1}, Caches::kUnknown), all);
  EXPECT_EQ(kinds(x, {1024, 512, 3, 3}, Caches::kUnknown), all);
  EXPECT_EQ(kinds({1, 512, 4}, {1024, 512, 1}, Caches::kUnknown), row_major);
}

INSTANTIATE_TEST_SUITE_P(Large, Candidates, testing::ValuesIn(LargeCases()), CaseName);
INSTANTIATE_TEST_SUITE_P(Cases, Candidates, testing::ValuesIn(RunnableCases()), CaseName);

}  // namespace
}  // namespace weft
