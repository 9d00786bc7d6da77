#include "testing_exporter.h"

#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/cases/cases.h"

namespace weft {

using Names = Exporter::Names;
using onnx::AttributeProto;

std::string Exporter::NewName(const std::string& op) {
  return absl::StrCat("/", op, "_", ++values_);
}

std::string Exporter::Input(const std::string& name, const Names& dims) {
  maker_.Input(name, std::vector<int64_t>(dims.size(), -1));
  auto* shape = maker_.proto.mutable_graph()
                    ->mutable_input(maker_.proto.graph().input_size() - 1)
                    ->mutable_type()
                    ->mutable_tensor_type()
                    ->mutable_shape();
  for (size_t i = 0; i < dims.size(); ++i) {
    auto* dim = shape->mutable_dim(static_cast<int>(i));
    int64_t number = 0;
    if (absl::SimpleAtoi(dims[i], &number)) {
      dim->set_dim_value(number);
    } else {
      dim->set_dim_param(dims[i]);
    }
  }
  return name;
}

void Exporter::Output(const std::string& name, const std::string& value) {
  maker_.Node("Identity", {value}, {name}).Output(name);
}

std::string Exporter::Weight(const Dims& dims, double scale, double center) {
  const std::string name = absl::StrCat("weight.", ++weights_);
  const auto seed = static_cast<uint64_t>(weights_);
  maker_.Initializer(name, RandomTensor(dims, DType::kF32, seed, center - scale, center + scale));
  return name;
}

std::string Exporter::Constant(const Tensor& tensor) {
  const std::string name = Op("Constant", {});
  *maker_.Attribute("value", AttributeProto::TENSOR)->mutable_t() = TensorToProto(tensor, "");
  return name;
}

std::string Exporter::Ints(const std::vector<int64_t>& values) {
  return Constant(Tensor::FromInts(values));
}

std::string Exporter::Int(int64_t value) {
  return Constant(Tensor::FromValues<int64_t>({}, std::vector<int64_t>{value}).value());
}

std::string Exporter::Float(float value) { return Constant(Floats({}, {value})); }

std::string Exporter::Op(const std::string& op, const Names& inputs) {
  const std::string name = NewName(op);
  maker_.Node(op, inputs, {name});
  return name;
}

Exporter& Exporter::With(const std::string& name, int64_t value) {
  maker_.Int(name, value);
  return *this;
}

Exporter& Exporter::With(const std::string& name, const std::vector<int64_t>& values) {
  maker_.Ints(name, values);
  return *this;
}

Exporter& Exporter::With(const std::string& name, float value) {
  maker_.Attribute(name, AttributeProto::FLOAT)->set_f(value);
  return *this;
}

Exporter& Exporter::With(const std::string& name, const std::string& value) {
  maker_.Attribute(name, AttributeProto::STRING)->set_s(value);
  return *this;
}

std::string Exporter::Clip(const std::string& x, float low, float high) {
  if (opset_ >= 11) {
    const std::string from = Float(low), to = Float(high);
    return Op("Clip", {x, from, to});
  }
  const std::string y = Op("Clip", {x});
  With("min", low).With("max", high);
  return y;
}

std::string Exporter::Unsqueeze(const std::string& x, int64_t axis) {
  if (opset_ >= 13) {
    const std::string axes = Ints({axis});
    return Op("Unsqueeze", {x, axes});
  }
  const std::string y = Op("Unsqueeze", {x});
  With("axes", std::vector<int64_t>{axis});
  return y;
}

std::string Exporter::Squeeze(const std::string& x, int64_t axis) {
  if (opset_ >= 13) {
    const std::string axes = Ints({axis});
    return Op("Squeeze", {x, axes});
  }
  const std::string y = Op("Squeeze", {x});
  With("axes", std::vector<int64_t>{axis});
  return y;
}

std::string Exporter::Slice(const std::string& x, int64_t axis, int64_t from, int64_t to) {
  if (opset_ >= 10) {
    const std::string starts = Ints({from}), ends = Ints({to}), axes = Ints({axis});
    return Op("Slice", {x, starts, ends, axes});
  }
  const std::string y = Op("Slice", {x});
  using List = std::vector<int64_t>;
  With("starts", List{from}).With("ends", List{to}).With("axes", List{axis});
  return y;
}

std::string Exporter::Mean(const std::string& x, const std::vector<int64_t>& axes, bool keep) {
  const bool as_operand = opset_ >= 18;
  const std::string operand = as_operand ? Ints(axes) : "";
  const std::string y = Op("ReduceMean", as_operand ? Names{x, operand} : Names{x});
  if (!as_operand) With("axes", axes);
  With("keepdims", int64_t{keep});
  return y;
}

std::string Exporter::Pad(const std::string& x, const std::vector<int64_t>& pads) {
  const bool as_operand = opset_ >= 11;
  const std::string operand = as_operand ? Ints(pads) : "";
  const std::string y = Op("Pad", as_operand ? Names{x, operand} : Names{x});
  if (!as_operand) With("pads", pads);
  With("mode", std::string("reflect"));
  return y;
}

std::string Exporter::Dropout(const std::string& x) {
  if (opset_ >= 12) {
    const std::string ratio = Float(0.5f);
    return Op("Dropout", {x, ratio});
  }
  const std::string y = Op("Dropout", {x});
  With("ratio", 0.5f);
  return y;
}

Names Exporter::Split(const std::string& x, int64_t axis, const std::vector<int64_t>& sizes) {
  const bool as_operand = opset_ >= 13;
  const std::string operand = as_operand ? Ints(sizes) : "";
  Names parts;
  for (size_t i = 0; i < sizes.size(); ++i) parts.push_back(NewName("Split"));
  maker_.Node("Split", as_operand ? Names{x, operand} : Names{x}, parts);
  if (!as_operand) With("split", sizes);
  With("axis", axis);
  return parts;
}

std::string Exporter::LayerNorm(const std::string& x, int64_t features) {
  const std::string scale = Weight({features}, 0.3, 1), bias = Weight({features}, 0.3);
  if (opset_ >= 17) {
    const std::string y = Op("LayerNormalization", {x, scale, bias});
    With("axis", int64_t{-1}).With("epsilon", 1e-5f);
    return y;
  }
  const std::string centered = Op("Sub", {x, Mean(x, {-1}, true)});
  const std::string square = Op("Pow", {centered, Float(2)});
  const std::string variance = Op("Add", {Mean(square, {-1}, true), Float(1e-5f)});
  const std::string normal = Op("Div", {centered, Op("Sqrt", {variance})});
  return Op("Add", {Op("Mul", {normal, scale}), bias});
}

std::string Exporter::Gelu(const std::string& x) {
  if (opset_ >= 20) return Op("Gelu", {x});
  if (opset_ < 9) return Op("Mul", {x, Op("Sigmoid", {Op("Mul", {x, Float(1.702f)})})});
  const std::string erf = Op("Erf", {Op("Div", {x, Float(1.41421356f)})});
  return Op("Mul", {Op("Mul", {x, Op("Add", {erf, Float(1)})}), Float(0.5f)});
}

std::string Exporter::Softmax(const std::string& x, int64_t last_axis) {
  const std::string y = Op("Softmax", {x});
  With("axis", opset_ < 11 ? last_axis : -1);
  return y;
}

std::string Exporter::Size(const std::string& x, int64_t axis) {
  const std::string shape = Op("Shape", {x}), at = Int(axis);
  const std::string size = Op("Gather", {shape, at});
  With("axis", int64_t{0});
  return size;
}

std::string Exporter::List(const Names& scalars) {
  Names parts;
  for (const std::string& scalar : scalars) parts.push_back(Unsqueeze(scalar, 0));
  const std::string list = Op("Concat", parts);
  With("axis", int64_t{0});
  return list;
}

std::string Exporter::Reshape(const std::string& x, const Names& sizes) {
  const std::string list = List(sizes);
  return Op("Reshape", {x, list});
}

std::string Exporter::Expand(const std::string& x, Names sizes) {
  for (std::string& size : sizes) {
    if (size.empty()) size = Int(opset_ < 8 ? 1 : -1);
  }
  const std::string list = List(sizes);
  if (opset_ < 8) return Op("Tile", {x, list});
  const std::string length = Ints({static_cast<int64_t>(sizes.size())});
  const std::string ones = Op("ConstantOfShape", {length});
  *maker_.Attribute("value", AttributeProto::TENSOR)->mutable_t() =
      TensorToProto(Tensor::FromInts(std::vector<int64_t>{1}), "");
  const std::string stays = Op("Equal", {list, Op("Mul", {ones, Int(-1)})});
  return Op("Expand", {x, Op("Where", {stays, ones, list})});
}

std::string Exporter::ResizeLike(const std::string& x, const std::string& like) {
  if (opset_ < 9) {
    const std::string y = Op("Upsample", {x});
    auto* scales = maker_.Attribute("scales", AttributeProto::FLOATS);
    for (float scale : {1.0f, 1.0f, 2.0f, 2.0f}) scales->add_floats(scale);
    With("mode", std::string("nearest"));
    return y;
  }
  if (opset_ < 11) {
    Names scales = {Constant(Floats({2}, {1, 1}))};
    for (int64_t axis : {2, 3}) {
      Names sizes;
      for (const std::string& of : {like, x}) {
        sizes.push_back(Op("Cast", {Size(of, axis)}));
        With("to", int64_t{onnx::TensorProto::FLOAT});
      }
      scales.push_back(Unsqueeze(Op("Div", sizes), 0));
    }
    const std::string list = Op("Concat", scales);
    With("axis", int64_t{0});
    const std::string y = Op(opset_ < 10 ? "Upsample" : "Resize", {x, list});
    With("mode", std::string("nearest"));
    return y;
  }
  const std::string size = Op("Cast", {List({Size(like, 2), Size(like, 3)})});
  With("to", int64_t{onnx::TensorProto::INT64});
  const std::string rest = Slice(Op("Shape", {x}), 0, 0, 2);
  const std::string sizes = Op("Concat", {rest, size});
  With("axis", int64_t{0});
  const std::string roi = opset_ < 13 ? Constant(Floats({0}, {})) : "";
  const std::string y = Op("Resize", {x, roi, opset_ < 13 ? roi : "", sizes});
  With("mode", std::string("linear"));
  With("coordinate_transformation_mode", std::string("pytorch_half_pixel"));
  return y;
}

std::string Exporter::Conv(const std::string& x, int64_t in, int64_t out, int64_t kernel,
                           int64_t stride, int64_t pad) {
  const double scale = 2 / std::sqrt(static_cast<double>(in * kernel * kernel));
  const std::string weight = Weight({out, in, kernel, kernel}, scale);
  const std::string bias = Weight({out}, 0.2);
  const std::string y = Op("Conv", {x, weight, bias});
  using List = std::vector<int64_t>;
  With("kernel_shape", List{kernel, kernel}).With("strides", List{stride, stride});
  With("pads", List{pad, pad, pad, pad}).With("group", int64_t{1});
  With("dilations", List{1, 1});
  return y;
}

std::string Exporter::SameConv(const std::string& x, int64_t in, int64_t out, int64_t kernel,
                               int64_t stride) {
  return Conv(x, in, out, kernel, stride, kernel / 2);
}

std::string Exporter::ConvNorm(const std::string& x, int64_t in, int64_t out, int64_t kernel,
                               int64_t stride) {
  const std::string h = SameConv(x, in, out, kernel, stride);
  const std::string scale = Weight({out}, 0.4, 1), bias = Weight({out}, 0.3);
  const std::string mean = Weight({out}, 0.3), variance = Weight({out}, 0.4, 1);
  const std::string y = Op("BatchNormalization", {h, scale, bias, mean, variance});
  With("epsilon", 1e-5f).With("momentum", 0.9f);
  return y;
}

std::string Exporter::MaxPool(const std::string& x, int64_t kernel) {
  const std::string y = Op("MaxPool", {x});
  using List = std::vector<int64_t>;
  With("kernel_shape", List{kernel, kernel}).With("strides", List{kernel, kernel});
  return y;
}

std::string Exporter::Linear(const std::string& x, int64_t in, int64_t out) {
  const std::string weight = Weight({in, out}, 2.0 / static_cast<double>(in));
  const std::string bias = Weight({out}, 0.2);
  return Op("Add", {Op("MatMul", {x, weight}), bias});
}

}  // namespace weft
