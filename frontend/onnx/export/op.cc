#include "frontend/onnx/export/op.h"

#include <algorithm>

#include "frontend/onnx/export/opset.h"
#include "ops/ops.h"
#include "ops/shape_value.h"

namespace weft {

const Tensor* OpExport::constant(int i) const {
  const OnnxOperand operand = in(i);
  if (operand.leaf == nullptr || operand.leaf->initializer) return nullptr;
  return &operand.leaf->tensor;
}

OnnxOperand OpExport::Op(std::string_view op, std::vector<OnnxOperand> inputs,
                         AttributeMap attributes) {
  const DType dtype = inputs.empty() ? type().dtype : inputs[0].dtype;
  return OpTo(dtype, op, std::move(inputs), std::move(attributes));
}

OnnxOperand OpExport::OpTo(DType dtype, std::string_view op, std::vector<OnnxOperand> inputs,
                           AttributeMap attributes) {
  if (!status_.ok()) return {};
  const std::string name = writer_->InnerName(call_.name + "/" + std::string(op));
  status_ = writer_->Add({.op = std::string(op),
                          .name = name,
                          .inputs = std::move(inputs),
                          .attributes = std::move(attributes),
                          .outputs = {name},
                          .dtypes = {dtype},
                          .source = source_});
  return {.dtype = dtype, .name = name};
}

OnnxOperand OpExport::ShapeOf(int i) {
  const auto dims = StaticDims(type(i).shape);
  return dims.ok() ? Ints(*dims) : OpTo(DType::kI64, "Shape", {in(i)});
}

OnnxOperand OpExport::ReshapeTo(const Shape& from, int like) {
  const Shape& to = type(like).shape;
  const bool empty = std::find(to.begin(), to.end(), Dim(0)) != to.end();
  const auto argument = empty ? std::nullopt : ReshapeArgument(from, std::vector<std::optional<Dim>>(to.begin(), to.end()));
  return argument ? Ints(*argument) : ShapeOf(like);
}

void OpExport::Last(std::string_view op, std::vector<OnnxOperand> inputs, AttributeMap attributes,
                    int num_outputs, std::string_view domain) {
  if (!status_.ok()) return;
  OnnxNode node{.op = std::string(op),
                .name = call_.name,
                .inputs = std::move(inputs),
                .attributes = std::move(attributes),
                .outputs = call_.outputs,
                .dtypes = {},
                .domain = std::string(domain),
                .source = source_};
  if (num_outputs >= 0) node.outputs.resize(static_cast<size_t>(num_outputs));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i].empty()) {
      node.outputs[i] = writer_->ValueName(absl::StrCat(call_.name, ":", i));
    }
    node.dtypes.push_back(call_.types[std::min(i, call_.types.size() - 1)].dtype);
  }
  status_ = writer_->Add(std::move(node));
}

std::vector<OnnxOperand> OpExport::OpWithOutputs(std::string_view op,
                                                 std::vector<OnnxOperand> inputs,
                                                 AttributeMap attributes,
                                                 const std::vector<DType>& dtypes) {
  std::vector<OnnxOperand> results(dtypes.size());
  if (!status_.ok()) return results;
  OnnxNode node{.op = std::string(op),
                .name = writer_->InnerName(call_.name + "/" + std::string(op)),
                .inputs = std::move(inputs),
                .attributes = std::move(attributes),
                .outputs = {},
                .dtypes = dtypes,
                .source = source_};
  for (size_t i = 0; i < dtypes.size(); ++i) {
    results[i].dtype = dtypes[i];
    results[i].name = i == 0 ? node.name : writer_->ValueName(absl::StrCat(node.name, ":", i));
    node.outputs.push_back(results[i].name);
  }
  status_ = writer_->Add(std::move(node));
  return results;
}

void OpExport::LastOf(int i, std::string_view op, std::vector<OnnxOperand> inputs,
                      AttributeMap attributes) {
  if (!status_.ok()) return;
  const auto output = static_cast<size_t>(i);
  const std::string name =
      i == 0 ? call_.name : writer_->InnerName(call_.name + "/" + std::string(op));
  if (i > 0 && !call_.is_output[output]) call_.outputs[output] = name;
  status_ = writer_->Add({.op = std::string(op),
                          .name = name,
                          .inputs = std::move(inputs),
                          .attributes = std::move(attributes),
                          .outputs = {call_.outputs[output]},
                          .dtypes = {call_.types[output].dtype},
                          .source = source_});
}

OnnxOperand OpExport::Ours(std::string_view op, std::vector<OnnxOperand> inputs,
                           std::vector<TensorType> input_types, AttributeMap attributes,
                           TensorType result) {
  if (!status_.ok()) return {};
  const std::string name = writer_->InnerName(call_.name + "/" + std::string(op));
  return Nested({.op = std::string(op),
                 .name = name,
                 .attributes = std::move(attributes),
                 .inputs = std::move(inputs),
                 .input_types = std::move(input_types),
                 .types = {std::move(result)},
                 .outputs = {name},
                 .is_output = {false},
                 .read = {true}});
}

void OpExport::LastOurs(std::string_view op, std::vector<OnnxOperand> inputs,
                        std::vector<TensorType> input_types, AttributeMap attributes) {
  if (!status_.ok()) return;
  Nested({.op = std::string(op),
          .name = call_.name,
          .attributes = std::move(attributes),
          .inputs = std::move(inputs),
          .input_types = std::move(input_types),
          .types = call_.types,
          .outputs = call_.outputs,
          .is_output = call_.is_output,
          .read = call_.read});
}

OnnxOperand OpExport::Nested(OpCall call) {
  const OpDef* op = StandardOps().Find(call.op);
  status_ = op == nullptr ? absl::InternalError(absl::StrCat("no op ", call.op))
                          : CheckAttributes(*op, call.attributes);
  if (!status_.ok()) return {};
  const OnnxOperand result{.dtype = call.types[0].dtype, .name = call.outputs[0]};
  OpExport nested(*writer_, std::move(call), source_);
  ExportOp(nested);
  status_ = nested.status();
  return result;
}

bool OpExport::Affords(double elements) {
  constexpr double kMost = 1 << 26;
  if (elements > kMost) {
    Fail(absl::StrCat("its composition would need a constant of ", elements,
                      " elements, more than ", kMost));
  }
  return status_.ok();
}

OnnxOperand OpExport::Constant(Tensor value) const {
  const DType dtype = value.dtype();
  return {.dtype = dtype,
          .leaf = std::make_shared<OnnxLeaf>(
              OnnxLeaf{.tensor = std::move(value), .name = call_.name + "/Constant"})};
}

OnnxOperand OpExport::Scalar(double value, DType dtype) const {
  return Constant(Tensor::Scalar(value, dtype));
}

OnnxOperand OpExport::Ints(const std::vector<int64_t>& values) const {
  return Constant(Tensor::FromInts(values));
}

OnnxOperand OpExport::Argument(std::string_view what, Tensor value) const {
  OnnxOperand operand = Constant(std::move(value));
  operand.leaf->name = absl::StrCat(call_.name, ".", Absl(what));
  operand.leaf->initializer = true;
  return operand;
}

OnnxOperand OpExport::I64(int i) {
  const OnnxOperand operand = in(i);
  if (!operand.present() || operand.dtype == DType::kI64) return operand;
  if (const Tensor* value = constant(i)) {
    auto converted = value->Converted(DType::kI64);
    return converted.ok() ? Constant(*std::move(converted)) : Fail(converted.status());
  }
  return OpTo(DType::kI64, "Cast", {operand}, {{"to", DType::kI64}});
}

OnnxOperand OpExport::ScalarOf(int i) {
  const OnnxOperand operand = in(i);
  if (!operand.present() || type(i).rank() == 0) return operand;
  if (const Tensor* value = constant(i)) {
    auto scalar = value->Reshaped({});
    return scalar.ok() ? Constant(*std::move(scalar)) : Fail(scalar.status());
  }
  return Op("Reshape", {operand, Ints({})});
}

OnnxOperand OpExport::Fail(absl::Status status) {
  if (status_.ok()) status_ = std::move(status);
  return {};
}

OnnxOperand OpExport::Fail(std::string_view reason) {
  return Fail(absl::UnimplementedError(std::string(reason)));
}

}  // namespace weft
