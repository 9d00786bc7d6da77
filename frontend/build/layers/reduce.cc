#include "frontend/build/layers/reduce.h"

#include <utility>

#include "frontend/build/builder.h"
#include "frontend/build/builder_layer.h"

namespace weft {

namespace {

AttributeMap ReduceAttributes(const ReduceOptions& o) {
  AttributeMap attributes = {{"keepdims", o.keep_dims ? 1 : 0}};
  if (!o.axes.empty()) attributes.emplace("axes", o.axes);
  return attributes;
}

AttributeMap ArgAttributes(const ArgMaxOptions& o) {
  return {{"axis", o.axis},
          {"keepdims", o.keep_dims ? 1 : 0},
          {"select_last_index", o.select_last_index ? 1 : 0}};
}

}  // namespace

Value ReduceLayers::ReduceL1(Value x, const ReduceOptions& o, Where where) {
  return builder().Op("ReduceL1", {x}, ReduceAttributes(o), {o.name}, where);
}

Value ReduceLayers::ReduceL2(Value x, const ReduceOptions& o, Where where) {
  return builder().Op("ReduceL2", {x}, ReduceAttributes(o), {o.name}, where);
}

Value ReduceLayers::ReduceLogSum(Value x, const ReduceOptions& o, Where where) {
  return builder().Op("ReduceLogSum", {x}, ReduceAttributes(o), {o.name}, where);
}

Value ReduceLayers::ReduceLogSumExp(Value x, const ReduceOptions& o, Where where) {
  return builder().Op("ReduceLogSumExp", {x}, ReduceAttributes(o), {o.name}, where);
}

Value ReduceLayers::ReduceMax(Value x, const ReduceOptions& o, Where where) {
  return builder().Op("ReduceMax", {x}, ReduceAttributes(o), {o.name}, where);
}

Value ReduceLayers::ReduceMean(Value x, const ReduceOptions& o, Where where) {
  return builder().Op("ReduceMean", {x}, ReduceAttributes(o), {o.name}, where);
}

Value ReduceLayers::ReduceMin(Value x, const ReduceOptions& o, Where where) {
  return builder().Op("ReduceMin", {x}, ReduceAttributes(o), {o.name}, where);
}

Value ReduceLayers::ReduceProd(Value x, const ReduceOptions& o, Where where) {
  return builder().Op("ReduceProd", {x}, ReduceAttributes(o), {o.name}, where);
}

Value ReduceLayers::ReduceSum(Value x, const ReduceOptions& o, Where where) {
  return builder().Op("ReduceSum", {x}, ReduceAttributes(o), {o.name}, where);
}

Value ReduceLayers::ReduceSumSquare(Value x, const ReduceOptions& o, Where where) {
  return builder().Op("ReduceSumSquare", {x}, ReduceAttributes(o), {o.name}, where);
}

Value ReduceLayers::ArgMax(Value x, const ArgMaxOptions& o, Where where) {
  return builder().Op("ArgMax", {x}, ArgAttributes(o), {o.name}, where);
}

Value ReduceLayers::ArgMin(Value x, const ArgMaxOptions& o, Where where) {
  return builder().Op("ArgMin", {x}, ArgAttributes(o), {o.name}, where);
}

Value ReduceLayers::Hardmax(Value x, const HardmaxOptions& o, Where where) {
  return builder().Op("Hardmax", {x}, {{"axis", o.axis}}, {o.name}, where);
}

Value ReduceLayers::CumSum(Value x, const CumSumOptions& o, Where where) {
  Layer layer(builder(), "CumSum", o.name, where);
  const Value axis = layer.Constant("axis", Tensor::FromInts(std::vector<int64_t>{o.axis}));
  return layer.Node({x, axis},
                    {{"exclusive", o.exclusive ? 1 : 0}, {"reverse", o.reverse ? 1 : 0}});
}

TopKResult ReduceLayers::TopK(Value x, int64_t k, const TopKOptions& o, Where where) {
  Layer layer(builder(), "TopK", o.name, where);
  const Value count = layer.Constant("k", Tensor::FromInts(std::vector<int64_t>{k}));
  Node* node = layer.WholeNode(
      {x, count}, {{"axis", o.axis}, {"largest", o.largest ? 1 : 0}, {"sorted", o.sorted ? 1 : 0}});
  if (node == nullptr) return {};
  return {node->output(0), node->output(1)};
}

}  // namespace weft
