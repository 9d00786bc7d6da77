// If, Loop, Scan and SequenceMap, where what decides them is known: the branch that is taken, the
// body as often as it runs.

#include <algorithm>

#include "frontend/onnx/import/structure.h"

namespace weft {
namespace {

constexpr int64_t kMostLoopNodes = 10000;  // that one loop becomes

using Values = std::vector<OnnxValuePtr>;

// The values that a body gives. Errors: another number than `expected`, one that nothing makes.
absl::StatusOr<Values> ResultsOf(const onnx::GraphProto& body, const OnnxScope& scope,
                                 int expected) {
  if (body.output_size() != expected) {
    return absl::InvalidArgumentError(absl::StrCat("expected ", expected, " outputs of its body ",
                                                   body.name(), ", got ", body.output_size()));
  }
  Values results;
  for (const onnx::ValueInfoProto& output : body.output()) {
    results.push_back(scope.Find(output.name()));
    if (results.back() == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("output ", output.name(), " of its body ",
                                                     body.name(), ": nothing makes it"));
    }
  }
  return results;
}

OnnxValuePtr KnownScalar(int64_t value, DType dtype, const std::string& name) {
  return KnownOnnxValue(Tensor::Scalar(static_cast<double>(value), dtype), name);
}

// The body of a loop, run again and again.
class Unrolling {
 public:
  explicit Unrolling(StructureContext& c)
      : c_(c), body_(c.Graph("body")), leaves_(c.scope().opsets(), c.name() + "/", &c.scope()) {
    c.importer().AddInitializers(body_, leaves_);
  }

  const onnx::GraphProto& body() const { return body_; }

  // The results of the body for these operands. Cancelled where it reported problems.
  absl::StatusOr<Values> Run(const Values& operands) {
    if (body_.input_size() != std::ssize(operands)) {
      return absl::InvalidArgumentError(absl::StrCat("expected a body of ", operands.size(),
                                                     " inputs, got ", body_.input_size()));
    }
    made_ += CountOnnxNodes(body_) + body_.input_size() + body_.output_size() + 1;
    if (made_ > kMostLoopNodes) {
      return absl::UnimplementedError(
          absl::StrCat("unrolled, it is more than ", kMostLoopNodes, " nodes"));
    }
    OnnxScope scope(c_.scope().opsets(), absl::StrCat(c_.name(), "/", runs_++, "/"), &leaves_);
    for (int i = 0; i < body_.input_size(); ++i) {
      scope.Bind(body_.input(i).name(), operands[static_cast<size_t>(i)]);
    }
    const size_t problems = c_.importer().num_problems();
    WEFT_RETURN_IF_ERROR(c_.importer().ImportBody(body_, scope));
    // Every run would report them again.
    if (c_.importer().num_problems() > problems) return absl::CancelledError();
    return ResultsOf(body_, scope, body_.output_size());
  }

 private:
  StructureContext& c_;
  const onnx::GraphProto& body_;
  OnnxScope leaves_;  // the initializers, the same in every run
  int64_t made_ = 0, runs_ = 0;
};

// What a loop leaves: the values that it carries, then what its runs gave, stacked.
absl::Status SetResults(StructureContext& c, const Values& carried,
                        const std::vector<Values>& stacks) {
  for (size_t i = 0; i < carried.size(); ++i) c.Set(static_cast<int>(i), carried[i]);
  for (size_t i = 0; i < stacks.size(); ++i) {
    const auto output = static_cast<int>(carried.size() + i);
    if (output >= c.node().output_size() || c.node().output(output).empty()) continue;
    if (stacks[i].empty()) {
      return absl::UnimplementedError("what no run of its body makes is not supported");
    }
    c.Set(output, c.Concatenated(stacks[i], 0, true));
  }
  return absl::OkStatus();
}

// Whether a loop goes on; nullopt stands for a condition that is left out.
absl::StatusOr<bool> GoesOn(const OnnxValuePtr& condition) {
  if (condition == nullptr) return true;
  if (condition->failed) return absl::CancelledError();
  WEFT_ASSIGN_OR_RETURN(const int64_t value,
                        KnownOnnxInt(*condition, "condition", condition->name));
  return value != 0;
}

absl::Status ImportIf(StructureContext& c) {
  const absl::StatusOr<int64_t> condition = c.KnownInt(0, "condition");
  if (!condition.ok()) {
    for (const char* branch : {"then_branch", "else_branch"}) {
      c.importer().CheckBody(c.Graph(branch), c.scope());
    }
    return condition.status();
  }
  const onnx::GraphProto& branch = c.Graph(*condition != 0 ? "then_branch" : "else_branch");
  OnnxScope scope(c.scope().opsets(), c.name() + "/", &c.scope());
  c.importer().AddInitializers(branch, scope);
  WEFT_RETURN_IF_ERROR(c.importer().ImportBody(branch, scope));
  WEFT_ASSIGN_OR_RETURN(const Values results, ResultsOf(branch, scope, c.node().output_size()));
  for (size_t i = 0; i < results.size(); ++i) c.Set(static_cast<int>(i), results[i]);
  return absl::OkStatus();
}

// for (i = 0; i < trips && condition; ++i) [condition, carried, scanned] = body(i, condition, ...)
absl::Status ImportLoop(StructureContext& c) {
  Unrolling loop(c);
  const absl::StatusOr<int64_t> trips = c.has(0) ? c.KnownInt(0, "trip count") : INT64_MAX;
  absl::StatusOr<bool> goes_on = GoesOn(c.in(1));
  if (!trips.ok() || !goes_on.ok()) {
    c.importer().CheckBody(loop.body(), c.scope());
    return trips.ok() ? goes_on.status() : trips.status();
  }
  Values carried;
  for (int i = 2; i < c.node().input_size(); ++i) carried.push_back(c.in(i));
  const auto scanned = loop.body().output_size() - 1 - std::ssize(carried);
  if (scanned < 0) {
    return absl::InvalidArgumentError(absl::StrCat("expected a body of at least ",
                                                   carried.size() + 1, " outputs, got ",
                                                   loop.body().output_size()));
  }
  std::vector<Values> stacks(static_cast<size_t>(scanned));
  for (int64_t i = 0; i < *trips && *goes_on; ++i) {
    Values operands = {KnownScalar(i, DType::kI64, c.name() + "/i"),
                       KnownScalar(1, DType::kBool, c.name() + "/condition")};
    operands.insert(operands.end(), carried.begin(), carried.end());
    WEFT_ASSIGN_OR_RETURN(const Values results, loop.Run(operands));
    carried.assign(results.begin() + 1, results.begin() + 1 + std::ssize(carried));
    for (size_t k = 0; k < stacks.size(); ++k) {
      stacks[k].push_back(results[1 + carried.size() + k]);
    }
    WEFT_ASSIGN_OR_RETURN(goes_on, GoesOn(results[0]));
  }
  return SetResults(c, carried, stacks);
}

// The body for each element along the first axis of the scanned operands, which come last.
absl::Status ImportScan(StructureContext& c) {
  if (OnnxOpset(c.scope().opsets(), "") < 9) {
    return absl::UnimplementedError("its form before opset 9 is not supported");
  }
  Unrolling loop(c);
  const int64_t scanned = c.Int("num_scan_inputs", 0);
  for (const onnx::AttributeProto& given : c.node().attribute()) {
    const auto& ints = given.ints();
    if (std::any_of(ints.begin(), ints.end(), [](int64_t i) { return i != 0; })) {
      return absl::UnimplementedError(absl::StrCat(given.name(), " is not supported"));
    }
  }
  const int64_t states = c.node().input_size() - scanned;
  if (scanned < 1 || states < 0 || loop.body().output_size() < states) {
    return absl::InvalidArgumentError(absl::StrCat(scanned, " scanned operands do not fit"));
  }
  Values carried;
  for (int i = 0; i < states; ++i) carried.push_back(c.in(i));
  std::vector<Values> sliced;
  for (int64_t i = states; i < c.node().input_size(); ++i) {
    const OnnxValuePtr x = c.in(static_cast<int>(i));
    WEFT_ASSIGN_OR_RETURN(const Values slices, c.Pieces(x, 0, std::nullopt, false));
    if (!sliced.empty() && slices.size() != sliced[0].size()) {
      return absl::InvalidArgumentError("expected scanned operands of one length");
    }
    sliced.push_back(slices);
  }
  std::vector<Values> stacks(static_cast<size_t>(loop.body().output_size() - states));
  for (size_t i = 0; i < sliced[0].size(); ++i) {
    Values operands = carried;
    for (const Values& slices : sliced) operands.push_back(slices[i]);
    WEFT_ASSIGN_OR_RETURN(const Values results, loop.Run(operands));
    carried.assign(results.begin(), results.begin() + states);
    for (size_t k = 0; k < stacks.size(); ++k) stacks[k].push_back(results[carried.size() + k]);
  }
  return SetResults(c, carried, stacks);
}

// The body for each element of a sequence, with that of other sequences or with the same tensor.
absl::Status ImportSequenceMap(StructureContext& c) {
  Unrolling loop(c);
  WEFT_ASSIGN_OR_RETURN(const Values first, c.Sequence(0));
  std::vector<Values> results(static_cast<size_t>(loop.body().output_size()));
  for (size_t i = 0; i < first.size(); ++i) {
    Values operands;
    for (int k = 0; k < c.node().input_size(); ++k) {
      const OnnxValuePtr operand = c.in(k);
      if (operand->sequence && operand->sequence->size() != first.size()) {
        return absl::InvalidArgumentError("expected sequences of one length");
      }
      operands.push_back(operand->sequence ? (*operand->sequence)[i] : operand);
    }
    WEFT_ASSIGN_OR_RETURN(const Values made, loop.Run(operands));
    for (size_t k = 0; k < results.size(); ++k) results[k].push_back(made[k]);
  }
  for (size_t k = 0; k < results.size(); ++k) {
    WEFT_RETURN_IF_ERROR(c.SetSequence(static_cast<int>(k), std::move(results[k])));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<StructureOp> ControlFlowOps() {
  return {{"If", ImportIf, {0}},
          {"Loop", ImportLoop, {0, 1}},
          {"Scan", ImportScan},
          {"SequenceMap", ImportSequenceMap}};
}

}  // namespace weft
