#ifndef WEFT_TESTS_PASSES_TESTING_RANDOM_H_
#define WEFT_TESTS_PASSES_TESTING_RANDOM_H_

#include <functional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "ops/ops.h"
#include "tests/cases/cases.h"

// Random valid graphs of all ops. What a node needs is not hoped for but made: an operand is a
// value that is there and fits, or one made to fit by a Reshape, a Slice, a product with a
// constant, or a leaf. All values are computed while the graph grows, so that they stay moderate.

namespace weft {

// The values of a node whose inputs have these; mode "auto" is training.
absl::StatusOr<std::vector<Tensor>> ValuesOf(const Node& node, std::span<const Tensor> inputs);

struct RandomGraph {
  Graph graph{StandardOps()};
  TensorMap feeds;
};

struct RandomGraphOptions {
  uint32_t seed = 1;
  DType dtype = DType::kF64;
  // Layers with variables and nodes in mode "auto": a net to train.
  bool training = false;
};

RandomGraph MakeRandomGraph(const RandomGraphOptions& options);

// A graph that grows.
class Draft {
 public:
  explicit Draft(const RandomGraphOptions& options);

  DType dtype() const { return options_.dtype; }
  bool training() const { return options_.training; }
  int64_t batch() const { return batch_; }  // what N is
  // Some elements are NaN, infinite or -0. Only what is exact for those should be in the graph:
  // whoever adds up infinities may do it in any order.
  bool has_specials() const { return has_specials_; }
  Graph& graph() { return result_.graph; }

  // In [low, high].
  int Pick(int low, int high);
  bool Chance(int percent) { return Pick(1, 100) <= percent; }
  template <typename T>
  T OneOf(const std::vector<T>& all) {
    return all[static_cast<size_t>(Pick(0, static_cast<int>(all.size()) - 1))];
  }
  Tensor Numbers(Dims dims, double low = -1, double high = 1);
  uint64_t Seed() { return random_(); }

  Value Constant(Tensor value);
  // A variable where there is training.
  Value Weight(Dims dims, double low = -1, double high = 1, bool statistic = false);
  Value Scalar(double value) { return Constant(Tensor::Scalar(value, dtype())); }
  Value Ints(const std::vector<int64_t>& values) { return Constant(Tensor::FromInts(values)); }
  // Fed with `value`, of that shape.
  Value Input(Tensor value, Shape shape);
  // An input or a constant.
  Value Leaf(Tensor value, Shape shape);

  // The first output; null where that cannot be, or where an input is null.
  Value Add(std::string_view op, std::vector<Value> inputs, AttributeMap attributes = {});
  // The same with absent inputs and several outputs. Now and then what was added half-way gets
  // other readers.
  Node* AddNode(NodeSpec spec);

  const Tensor& At(Value value) const;
  const Dims& DimsOf(Value value) const { return At(value).dims(); }
  // What may be read, mostly the latest that `fits`; null where there is none.
  Value Any(const std::function<bool(Value)>& fits);
  Value AnyFloat();
  // [N,C,…] with one to three axes of space; made where there is none.
  Value AnyImage();
  // [N,C] or [N,T,C].
  Value AnyMatrix();
  // Of this type and about this range.
  Value Fit(const TensorType& want, const CaseInput& range);
  // v, or what brings it into the range.
  Value Tame(Value v, const CaseInput& range);
  // Offers values to later nodes; those out of bounds are scaled, or made outputs only.
  void Offer(Value v);

  // Outputs of all that nothing reads, and of others now and then.
  RandomGraph Finish();

 private:
  void SetSpecials(Tensor& value);
  Value Made(const TensorType& want);
  Value MadeFrom(Value x, const TensorType& want, int way);
  Value Product(Value x, const TensorType& want);
  Value Reshaped(Value x, const Shape& shape);

  RandomGraphOptions options_;
  std::mt19937 random_;
  int64_t batch_;
  bool has_specials_;
  RandomGraph result_;
  std::unordered_map<const Node*, std::vector<Tensor>> tensors_;
  std::vector<Value> offered_;
  std::vector<Value> wild_;  // infinite, NaN or huge
};

// One step each: a row of the op-case table on fitting operands, and what networks and their
// exporters are made of.
void AddRow(Draft& d);
// What an exporter makes of x by a shape that it computes.
Value ComputedShape(Draft& d, Value x);
void AddMotif(Draft& d);
void AddExactMotif(Draft& d);  // without sums over elements
void AddLayers(Draft& d);

}  // namespace weft

#endif  // WEFT_TESTS_PASSES_TESTING_RANDOM_H_
