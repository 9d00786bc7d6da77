#ifndef WEFT_TESTS_FRONTEND_TESTING_EXPORTER_H_
#define WEFT_TESTS_FRONTEND_TESTING_EXPORTER_H_

#include <string>
#include <vector>

#include "testing_onnx.h"

namespace weft {

// Writes a network as exporters of an opset wrote it: what each op has as attributes and what as
// operands, and what they made of layers that the opset lacks. Values are their names. Weights
// depend on how many there are before, so that a network has the same ones in every opset.
class Exporter {
 public:
  using Names = std::vector<std::string>;

  explicit Exporter(int opset) : opset_(opset), maker_(opset) {}

  int opset() const { return opset_; }
  OnnxMaker& maker() { return maker_; }

  // Dims are numbers or symbols.
  std::string Input(const std::string& name, const Names& dims);
  void Output(const std::string& name, const std::string& value);
  // Uniform numbers within +- scale, about `center`.
  std::string Weight(const Dims& dims, double scale, double center = 0);
  // Constant nodes.
  std::string Constant(const Tensor& tensor);
  std::string Ints(const std::vector<int64_t>& values);
  std::string Int(int64_t value);
  std::string Float(float value);
  // A node of one result; its attributes are given next.
  std::string Op(const std::string& op, const Names& inputs);
  Exporter& With(const std::string& name, int64_t value);
  Exporter& With(const std::string& name, const std::vector<int64_t>& values);
  Exporter& With(const std::string& name, float value);
  Exporter& With(const std::string& name, const std::string& value);

  // Ops that opsets changed.
  std::string Clip(const std::string& x, float low, float high);
  std::string Unsqueeze(const std::string& x, int64_t axis);
  std::string Squeeze(const std::string& x, int64_t axis);
  std::string Slice(const std::string& x, int64_t axis, int64_t from, int64_t to);
  std::string Mean(const std::string& x, const std::vector<int64_t>& axes, bool keep);
  std::string Pad(const std::string& x, const std::vector<int64_t>& pads);
  std::string Dropout(const std::string& x);
  Names Split(const std::string& x, int64_t axis, const std::vector<int64_t>& sizes);
  std::string LayerNorm(const std::string& x, int64_t features);
  std::string Gelu(const std::string& x);
  // Over the last axis; all later ones at once, before opset 13.
  std::string Softmax(const std::string& x, int64_t last_axis);
  // x.size(axis), and torch.cat of such as a list.
  std::string Size(const std::string& x, int64_t axis);
  std::string List(const Names& scalars);
  std::string Reshape(const std::string& x, const Names& sizes);
  // x.expand(sizes) of extents of 1, or of any where a size is "", with the detour by which such a
  // size of -1 stays what it is; Tile before there was Expand.
  std::string Expand(const std::string& x, Names sizes);
  // F.interpolate(x, size=like.shape[2:]); since opset 11 bilinear, of the nearest before; in opset
  // 7, where scales are attributes, twice the size.
  std::string ResizeLike(const std::string& x, const std::string& like);

  // Layers.
  std::string Conv(const std::string& x, int64_t in, int64_t out, int64_t kernel, int64_t stride,
                   int64_t pad);
  // Padded so that stride 1 keeps the size.
  std::string SameConv(const std::string& x, int64_t in, int64_t out, int64_t kernel,
                       int64_t stride = 1);
  std::string ConvNorm(const std::string& x, int64_t in, int64_t out, int64_t kernel,
                       int64_t stride = 1);
  std::string MaxPool(const std::string& x, int64_t kernel);
  std::string Linear(const std::string& x, int64_t in, int64_t out);

 private:
  std::string NewName(const std::string& op);

  int opset_, values_ = 0, weights_ = 0;
  OnnxMaker maker_;
};

}  // namespace weft

#endif  // WEFT_TESTS_FRONTEND_TESTING_EXPORTER_H_
