#include "frontend/zoo/families.h"

namespace weft {
namespace {

constexpr int64_t kPrimary = 8;  // numbers of a primary capsule
constexpr int64_t kDigit = 16;   // of a digit's
constexpr int kIterations = 3;

// Sabour et al. 2017, "Dynamic routing between capsules".
class CapsNet {
 public:
  CapsNet(Builder& b, const ZooOptions& o) : b_(b), o_(o) {}

  Value Lengths(Value x) {
    const Value digits = Route(Predictions(Primary(x)));
    const Value lengths = b_.Sqrt(SquaredLength(digits, /*keep_dims=*/false));
    const Value labels = b_.Input("labels", {"N"}, {.dtype = DType::kI64});
    const Value target = b_.OneHot(labels, {.depth = o_.classes});
    // Section 5: the reconstruction counts 0.0005 of its sum of squares.
    b_.Loss("loss", b_.Add(MarginLoss(lengths, target),
                           b_.Mul(Reconstruction(digits, target, x), Number(0.0005))));
    return lengths;
  }

 private:
  Value Number(double value) { return b_.Full({}, value, o_.dtype); }

  Value SquaredLength(Value capsules, bool keep_dims) {
    const Value sum =
        b_.ReduceSum(b_.Mul(capsules, capsules), {.axes = {-1}, .keep_dims = keep_dims});
    return b_.Add(sum, Number(1e-9));  // the root's slope is infinite at 0
  }

  // Equation 1: a length from 0 to 1 in the same direction.
  Value Squash(Value capsules) {
    const Value squared = SquaredLength(capsules, /*keep_dims=*/true);
    const Value factor = b_.Div(b_.Sqrt(squared), b_.Add(squared, Number(1)));
    return b_.Mul(capsules, factor);
  }

  // [N,capsules,8]: figure 1.
  Value Primary(Value x) {
    const Initializer he = Initializer::HeNormal();
    const int64_t maps = o_.Wide(32);
    Value h =
        b_.Relu(b_.Conv2d(x, {.channels = o_.Wide(256), .kernel = 9, .init = he, .name = "conv1"}));
    h = b_.Conv2d(h, {.channels = maps * kPrimary, .kernel = 9, .stride = 2, .name = "primary"});
    if (h.null()) return h;
    const int64_t places = h.type().dim(2).coefficient() * h.type().dim(3).coefficient();
    capsules_ = maps * places;
    h = b_.Transpose(b_.Reshape(h, {0, maps, kPrimary, places}), {0, 1, 3, 2});
    return Squash(b_.Reshape(h, {0, capsules_, kPrimary}));
  }

  // What each capsule expects each digit's to be: [N,capsules,digits,16].
  Value Predictions(Value primary) {
    if (primary.null()) return primary;
    const Value weights = b_.Parameter("digits.weight", {capsules_, o_.classes, kDigit, kPrimary},
                                       {.init = Initializer::Normal(0, 0.1)});
    return b_.Einsum("nid,ijed->nije", {primary, weights});
  }

  // Procedure 1: a capsule votes for those digits whose vector its prediction agrees with. The
  // gradient flows through all iterations.
  Value Route(Value predictions) {
    const double equal = 1 / static_cast<double>(o_.classes);
    Value sum = b_.Mul(b_.ReduceSum(predictions, {.axes = {1}, .keep_dims = false}), Number(equal));
    Value digits = Squash(sum), agreement;
    for (int i = 1; i < kIterations; ++i) {
      const Value more = b_.Einsum("nije,nje->nij", {predictions, digits});
      agreement = i == 1 ? more : b_.Add(agreement, more);
      const Value coupling = b_.Softmax(agreement, {.axis = 2});
      digits = Squash(b_.Einsum("nij,nije->nje", {coupling, predictions}));
    }
    return digits;
  }

  // Equation 4, with m+ = 0.9, m- = 0.1 and lambda = 0.5.
  Value MarginLoss(Value lengths, Value target) {
    const Value present = b_.Relu(b_.Sub(Number(0.9), lengths));
    const Value absent = b_.Relu(b_.Sub(lengths, Number(0.1)));
    const Value others = b_.Mul(b_.Sub(Number(1), target), Number(0.5));
    const Value loss =
        b_.Add(b_.Mul(target, b_.Mul(present, present)), b_.Mul(others, b_.Mul(absent, absent)));
    return b_.Mul(b_.ReduceMean(loss, {.keep_dims = false}),
                  Number(static_cast<double>(o_.classes)));
  }

  // Figure 2: the true digit's capsule alone is decoded; squares summed over the pixels.
  Value Reconstruction(Value digits, Value target, Value x) {
    const auto scope = b_.Scope("decoder");
    const int64_t pixels = o_.input[0] * o_.input[1] * o_.input[2];
    const Value masked = b_.Flatten(b_.Mul(digits, b_.Unsqueeze(target, {2})));
    Value h = b_.Relu(b_.Linear(masked, {.features = o_.Wide(512), .name = "fc1"}));
    h = b_.Relu(b_.Linear(h, {.features = o_.Wide(1024), .name = "fc2"}));
    h = b_.Sigmoid(b_.Linear(h, {.features = pixels, .name = "fc3"}));
    return b_.Mul(b_.Mse(h, b_.Flatten(x)), Number(static_cast<double>(pixels)));
  }

  Builder& b_;
  const ZooOptions& o_;
  int64_t capsules_ = 0;
};

}  // namespace

std::vector<ZooEntry> CapsNets() {
  return {
      {.name = "capsnet",
       .description = "capsules that route by agreement; scores are lengths",
       .paper = "Sabour et al.: Dynamic routing between capsules",
       .year = 2017,
       .layers = [](Builder& b, Value x, const ZooOptions& o) { return CapsNet(b, o).Lengths(x); },
       .input = {1, 28, 28},
       .classes = 10,
       .pixels = {{0}, {1}}}};
}

}  // namespace weft
