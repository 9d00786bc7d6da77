#include "tests/runtime/testing_candidates.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "hwy/targets.h"
#include "ops/reference.h"
#include "runtime/exec/parallel.h"
#include "runtime/onednn/common.h"
#include "tests/cases/table.h"
#include "tests/runtime/close.h"

namespace weft {
namespace {

const RandomKey kKey{.seed = 5, .step = 2, .first_example = 3};

Layout PlainOf(const TensorType& type) {
  return Layout::Plain(type.dtype, *StaticDims(type.shape));
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

// What a kernel does where all its parts fall to one thread, as they may while others want the
// CPUs. A kernel of the library whose parts wait for one another, and is taken for one whose do
// not, never comes back.
void ExpectSameBitsOnOneThread(const Kernel& kernel, const std::vector<Tensor>& inputs,
                               std::optional<Alias> shared, const std::vector<Tensor>& expected) {
  RunPartsOneByOne(true);
  const auto actual = RunKernel(kernel, inputs, shared);
  RunPartsOneByOne(false);
  ASSERT_TRUE(actual.ok()) << actual.status();
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(std::memcmp((*actual)[i].data(), expected[i].data(), expected[i].bytes()), 0)
        << "output " << i << " of one thread";
  }
}

}  // namespace

CaseNode::CaseNode(const OpCase& c) : graph(BuildCase(c, DType::kF32)), inputs(InputsOf(c)) {
  expected = ReferenceEvaluator(kKey).RunNode(node(), inputs);
}

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

absl::StatusOr<std::vector<Tensor>> RunKernel(const Kernel& kernel,
                                              const std::vector<Tensor>& inputs,
                                              std::optional<Alias> shared) {
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
    const Layout& layout = kernel.outputs()[i];
    const Layout plain = Layout::Plain(layout.dtype(), layout.dims());
    const Memory bytes = Reordered(bindings.outputs[i], layout, plain);
    WEFT_ASSIGN_OR_RETURN(outputs.emplace_back(), Tensor::FromBytes(plain.dtype(), plain.dims(),
                                                                    {bytes.get(), plain.bytes()}));
  }
  return outputs;
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
      const auto actual = RunKernel(*kernel, c.inputs, shared);
      ASSERT_TRUE(actual.ok()) << actual.status();
      ExpectSameBitsOnOneThread(*kernel, c.inputs, shared, *actual);
      for (size_t i = 0; i < c.expected->size(); ++i) {
        ExpectClose((*actual)[i], (*c.expected)[i], shared ? what + " in place" : what,
                    wino ? 1e-4 : 1e-5);
      }
    }
  }
}

void ExpectAgreement(const OpCase& c, std::span<const KernelFamily> families,
                     absl::FunctionRef<void(const Kernel&)> see) {
  SCOPED_TRACE(c.TestName());
  const CaseNode made(c);
  ASSERT_TRUE(made.expected.ok()) << made.expected.status();
  RunScope scope(2);
  for (const bool channels_last : {false, true}) {
    const KernelRequest request = RequestFor(made.node(), channels_last, 2);
    for (KernelFamily family : families) ExpectAgreement(made, request, family, see);
  }
}

void ExpectSameAtAnyThreadCount(const OpCase& c, KernelFamily family, size_t fewest,
                                double largest_error) {
  SCOPED_TRACE(absl::StrCat(c.op, " ", c.TestName()));
  const CaseNode made(c);
  ASSERT_TRUE(made.expected.ok()) << made.expected.status();
  std::vector<std::vector<Tensor>> with_one_thread;
  for (const int threads : {1, 2, 3}) {
    RunScope scope(threads);
    const auto kernels = family(RequestFor(made.node(), true, threads));
    ASSERT_TRUE(kernels.ok()) << kernels.status();
    ASSERT_GE(kernels->size(), fewest);
    for (size_t i = 0; i < kernels->size(); ++i) {
      const Kernel& kernel = *(*kernels)[i];
      const std::string what = absl::StrCat(kernel.implementation(), " -> ",
                                            kernel.outputs()[0].name(), ", threads: ", threads);
      const auto actual = RunKernel(kernel, made.inputs);
      ASSERT_TRUE(actual.ok()) << actual.status();
      for (size_t o = 0; o < actual->size(); ++o) {
        ExpectClose((*actual)[o], (*made.expected)[o], what, largest_error);
      }
      if (threads == 1) with_one_thread.push_back(*actual);
      EXPECT_TRUE(*actual == with_one_thread[i]) << what;
    }
  }
}

size_t KernelsOffered(KernelFamily family, const AttributeMap& attributes, const Dims& x,
                      const Dims& w, const Dims& y, DType dtype) {
  const CaseNode made({.op = "Conv",
                       .name = "other",
                       .attributes = attributes,
                       .inputs = {Uniform(x), Uniform(w)},
                       .outputs = {y}});
  KernelRequest request = RequestFor(made.node(), false, 1);
  request.inputs[0] = Layout::Plain(dtype, x);
  const auto kernels = family(request);
  EXPECT_TRUE(kernels.ok()) << kernels.status();
  return kernels.ok() ? kernels->size() : 0;
}

void WithOlderCpus(absl::FunctionRef<void()> run) {
  for (const int64_t targets : {int64_t{HWY_AVX2}, int64_t{HWY_STATIC_TARGET}, int64_t{0}}) {
    hwy::SetSupportedTargetsForTest(targets);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    if (targets != 0) run();
  }
}

}  // namespace weft
