// Every kernel that any family offers for an op case, not only the one that the planner would
// choose, and for inputs that come row-major or channels-last.

#include "gtest/gtest.h"
#include "ops/post_ops.h"
#include "runtime/kernel.h"
#include "tests/cases/cases.h"
#include "tests/cases/table.h"
#include "tests/runtime/testing_candidates.h"

namespace weft {
namespace {

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
      {.op = "ConvGradWeight",
       .name = "many_pixels",
       .attributes = {{"pads", same}},
       .inputs = {Uniform({4, 5, 20, 20}), Uniform({4, 3, 20, 20}), Uniform({5, 3, 3, 3})},
       .outputs = {{5, 3, 3, 3}, {5}}},
      {.op = "ConvGradWeight",
       .name = "many_pixels_of_a_channel",
       .attributes = {{"group", 16}, {"pads", same}, {"strides", Ints{2, 2}}},
       .inputs = {Uniform({6, 16, 10, 10}), Uniform({6, 16, 20, 20}), Uniform({16, 1, 3, 3})},
       .outputs = {{16, 1, 3, 3}}},
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

INSTANTIATE_TEST_SUITE_P(Large, Candidates, testing::ValuesIn(LargeCases()), CaseName);
INSTANTIATE_TEST_SUITE_P(Cases, Candidates, testing::ValuesIn(RunnableCases()), CaseName);

}  // namespace
}  // namespace weft
