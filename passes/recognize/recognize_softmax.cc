// Softmax and LogSoftmax written out, with or without the maximum taken off first:
//
//   e = exp(x - max(x));  e / sum(e)        =>  Softmax(x)
//   z = x - max(x);  z - log(sum(exp(z)))   =>  LogSoftmax(x)        log(Softmax(x)) likewise
//
// Without the maximum the composition overflows where the op does not.

#include "absl/strings/str_cat.h"
#include "passes/axes.h"
#include "passes/recognize/recognize.h"

namespace weft {
namespace {

// x less its maximum
Pattern Shifted() {
  return Op("Sub", {Any().As("x"), Op("ReduceMax", {Any().As("x")}).As("max")}).As("z");
}

Condition RecognizeSoftmaxHolds(const Match& m) {
  const Node& sum = *m.node("sum");
  const size_t axes = ReducedAxes(sum).size();
  return All({ReduceAlike(m, "sum", m["max"] ? "max" : "sum"), HaveSameType(m, "x", "y"),
              Unless(axes != 1, absl::StrCat(sum.name(), " is over ", axes, " axes")),
              AreReadInside(m, {"max", "z", "e", "sum", "inverse", "log"})});
}

std::function<std::vector<Value>(const Match&, Rewriter&)> MakeAlongTheSum(std::string op) {
  return [op = std::move(op)](const Match& m, Rewriter& r) -> std::vector<Value> {
    return {r.OpAs(m.root()->name(), op, {m["x"]}, {{"axis", ReducedAxes(*m.node("sum"))[0]}})};
  };
}

Pattern SoftmaxForm() {
  const Pattern e = Op("Exp", {Either({Shifted(), Any().As("x")})}).As("e");
  const Pattern sum = Op("ReduceSum", {Any().As("e")}).As("sum");
  return Either({Op("Div", {e, sum}), Op("Mul", {e, Op("Reciprocal", {sum}).As("inverse")})})
      .As("y");
}

Pattern LogSoftmaxForm() {
  const auto log_of_sum = [](const char* z) {
    return Op("Log", {Op("ReduceSum", {Op("Exp", {Any().As(z)}).As("e")}).As("sum")}).As("log");
  };
  return Either(
             {Op("Sub", {Shifted(), log_of_sum("z")}), Op("Sub", {Any().As("x"), log_of_sum("x")})})
      .As("y");
}

}  // namespace

std::vector<Pass> RecognizeSoftmax() {
  return {
      ToPass({.name = "recognize_softmax",
              .doc = "make exp(x) / sum(exp(x)) a Softmax",
              .pattern = SoftmaxForm(),
              .conditions = RecognizeSoftmaxHolds,
              .rewrite = MakeAlongTheSum("Softmax")}),
      ToPass({.name = "recognize_log_softmax",
              .doc = "make x - log(sum(exp(x))) a LogSoftmax",
              .pattern = LogSoftmaxForm(),
              .conditions = RecognizeSoftmaxHolds,
              .rewrite = MakeAlongTheSum("LogSoftmax")}),
      ToPass({.name = "log_of_softmax",
              .doc = "make the logarithm of a Softmax a LogSoftmax",
              .pattern = Op("Log", {Op("Softmax", {Any().As("x")}).As("softmax")}),
              .conditions = [](const Match& m) { return AreReadInside(m, {"softmax"}); },
              .rewrite = [](const Match& m, Rewriter& r) -> std::vector<Value> {
                return {r.OpAs(m.root()->name(), "LogSoftmax", {m["x"]},
                               m.node("softmax")->attributes())};
              }}),
  };
}

}  // namespace weft
