// Kernels for inputs in the library's blocks of channels.

#include "gtest/gtest.h"
#include "ops/fused_elementwise.h"
#include "ops/post_ops.h"
#include "runtime/channel_blocks.h"
#include "runtime/exec/parallel.h"
#include "runtime/kernel.h"
#include "runtime/onednn/common.h"
#include "tests/cases/cases.h"
#include "tests/cases/table.h"
#include "tests/runtime/close.h"
#include "tests/runtime/testing_candidates.h"

namespace weft {
namespace {

bool MovesPixels(const OpCase& c) { return c.op == "DepthToSpace" || c.op == "SpaceToDepth"; }

// Those of pixels whose channels are whole blocks, which the table's are not, are added.
std::vector<OpCase> BlockCases() {
  std::vector<OpCase> cases = RunnableCases();
  std::erase_if(cases, [](const OpCase& c) {
    const bool is_one = c.op == "ChannelShuffle" || c.op == "SqueezeExcitation" || MovesPixels(c);
    return !is_one || c.outputs[0].size() != 4 || c.outputs[0][0] == 0;
  });
  const Dims deep = {2, 128, 3, 2}, wide = {2, 32, 6, 4};
  const AttributeMap halves = {{"blocksize", 2}, {"mode", "DCR"}};
  cases.push_back({"DepthToSpace", "whole_blocks", halves, {Uniform(deep)}, {wide}});
  cases.push_back({"SpaceToDepth", "whole_blocks", halves, {Uniform(wide)}, {deep}});
  return cases;
}

// Kernels of our own that take channels side by side, in the library's blocks too.
TEST(BlockCandidates, AgreeWithTheReference) {
  using Tag = dnnl::memory::format_tag;
  RunScope scope(2);
  for (const OpCase& c : BlockCases()) {
    SCOPED_TRACE(c.TestName());
    const CaseNode made(c);
    KernelRequest request = RequestFor(made.node(), /*channels_last=*/false, 2);
    const bool moves_pixels = MovesPixels(c);
    const Dims dims = c.inputs[0].dims;
    for (const Tag tag : {Tag::aBcd8b, Tag::aBcd16b}) {
      const MemoryDesc desc(DnnlDims(dims), dnnl::memory::data_type::f32, tag);
      request.inputs[0] = ToLayout(desc, dims);
      const auto output = SameChannelBlocks(request.inputs[0], c.outputs[0]);
      int kernels = 0;
      ExpectAgreement(made, request, FamiliesFor(c.op)[0], [&](const Kernel& kernel) {
        EXPECT_EQ(kernel.inputs()[0], request.inputs[0]);
        EXPECT_EQ(kernel.outputs()[0], *output);
        ++kernels;
      });
      const bool breaks_blocks = moves_pixels && c.name != "whole_blocks";
      EXPECT_EQ(kernels, breaks_blocks ? 0 : 1);
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
    const CaseNode made(c);
    KernelRequest request = RequestFor(made.node(), false, 2);
    const Dims& x = request.outputs[0];
    request.inputs[0] = ToLayout({x, dnnl::memory::data_type::f32, tag}, x);
    const Kernels kernels = FamiliesFor(c.op)[0](request).value();
    ASSERT_EQ(kernels.size(), 1u);
    EXPECT_EQ(kernels[0]->outputs()[0].name(), name);
    RunScope scope(2);
    const auto actual = RunKernel(*kernels[0], made.inputs).value();
    ExpectClose(actual[0], made.expected->at(0), std::string(name), 1e-5);
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

}  // namespace
}  // namespace weft
