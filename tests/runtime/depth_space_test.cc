// DepthToSpace and SpaceToDepth of layouts in which channels lie side by side.

#include "gtest/gtest.h"
#include "ops/ops.h"
#include "ops/reference.h"
#include "runtime/exec/parallel.h"
#include "runtime/kernel.h"
#include "runtime/onednn/common.h"
#include "tests/cases/table.h"

namespace weft {
namespace {

using Tag = dnnl::memory::format_tag;

Layout ImageLayout(const Dims& dims, Tag tag) {
  return ToLayout({dims, dnnl::memory::data_type::f32, tag}, dims);
}

std::vector<std::byte> Run(const Kernel& kernel, const std::byte* from, size_t bytes) {
  std::vector<std::byte> to(bytes), scratch(kernel.scratch_bytes() + 64);
  const auto bound = kernel.Bind({.inputs = {const_cast<std::byte*>(from)},
                                  .outputs = {to.data()},
                                  .scratch = scratch.data()});
  EXPECT_TRUE(bound.ok()) << bound.status();
  EXPECT_EQ((*bound)->Run({}), absl::OkStatus());
  return to;
}

// How many kernels copy the pixels in the layout `tag`. They do it as the reference does.
size_t KernelsFor(const std::string& op, const char* mode, Tag tag, Dims x, const Dims& y) {
  RunScope scope(2);
  Graph graph(StandardOps());
  const Tensor image = MakeTensor(Uniform(x), DType::kF32, 1);
  const Node* node =
      graph
          .AddNode({.op = op,
                    .inputs = {graph.AddInput("x", {DType::kF32, ToShape(x)}).value()},
                    .attributes = {{"blocksize", 2}, {"mode", mode}}})
          .value();
  const Layout from = ImageLayout(x, tag), to = ImageLayout(y, tag);
  const KernelRequest request{
      .node = *node, .inputs = {from}, .outputs = {y}, .constant = {false}, .threads = 2};
  const Kernels kernels = FamiliesFor(op)[0](request).value();
  for (const auto& kernel : kernels) {
    EXPECT_EQ(kernel->outputs()[0], to);
    const auto in = MakeReorder(Layout::Plain(DType::kF32, x), from).value();
    const auto out = MakeReorder(to, Layout::Plain(DType::kF32, y)).value();
    const auto pixels = Run(*kernel, Run(*in, image.data(), from.bytes()).data(), to.bytes());
    const Tensor expected = ReferenceEvaluator().RunNode(*node, {{image}}).value()[0];
    const auto actual = Run(*out, pixels.data(), expected.bytes());
    EXPECT_TRUE(std::equal(actual.begin(), actual.end(), expected.data())) << op << " " << mode;
  }
  return kernels.size();
}

// The same both ways.
size_t KernelsOfChannels(const char* mode, Tag tag, int64_t channels) {
  const Dims deep = {2, 4 * channels, 3, 5}, wide = {2, channels, 6, 10};
  const size_t count = KernelsFor("DepthToSpace", mode, tag, deep, wide);
  EXPECT_EQ(KernelsFor("SpaceToDepth", mode, tag, wide, deep), count);
  return count;
}

TEST(DepthSpaceKernels, CopyAllChannelsOfAPixelOrWholeBlocks) {
  for (const char* mode : {"DCR", "CRD"}) {
    EXPECT_EQ(KernelsOfChannels(mode, Tag::nhwc, 3), 1u);
    EXPECT_EQ(KernelsOfChannels(mode, Tag::nhwc, 20), 1u);
    EXPECT_EQ(KernelsOfChannels(mode, Tag::nChw16c, 20), 0u);
    EXPECT_EQ(KernelsOfChannels(mode, Tag::nchw, 20), 0u);
  }
  EXPECT_EQ(KernelsOfChannels("DCR", Tag::nChw16c, 32), 1u);
  EXPECT_EQ(KernelsOfChannels("DCR", Tag::nChw8c, 8), 1u);
  EXPECT_EQ(KernelsOfChannels("CRD", Tag::nChw16c, 32), 0u);
}

// One block holds all channels of both sides, or of the deep one, which is no channels-last.
TEST(DepthSpaceKernels, PartsOfABlockAreNoWholeBlocks) {
  for (const char* mode : {"DCR", "CRD"}) {
    EXPECT_EQ(KernelsOfChannels(mode, Tag::nChw16c, 4), 0u);
    EXPECT_EQ(KernelsOfChannels(mode, Tag::nChw16c, 3), 0u);
    EXPECT_EQ(KernelsOfChannels(mode, Tag::nChw8c, 2), 0u);
    EXPECT_EQ(KernelsOfChannels(mode, Tag::nChw4c, 1), 0u);
  }
}

}  // namespace
}  // namespace weft
