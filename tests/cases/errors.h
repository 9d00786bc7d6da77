#ifndef WEFT_TESTS_CASES_ERRORS_H_
#define WEFT_TESTS_CASES_ERRORS_H_

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "tests/cases/cases.h"

// The table of mistakes: nodes that must be refused, and what the error must say. Wrong dtypes,
// missing inputs and unknown attributes follow from the schemas and are tested for every op without
// a row here (tests/ops/op_errors_test.cc); the table has what only the op knows: ranks, sizes,
// ranges of attributes, overflow.

namespace weft {

struct OpError {
  std::string op = {};
  std::string name = {};  // unique within the op; letters, digits and _
  AttributeMap attributes = {};
  std::vector<CaseInput> inputs = {};
  // What the message must hold, besides the node's name and op: what was expected, what came.
  std::vector<std::string> says = {};
  // true: the graph can be built (the mistake is in the data), running it is the error.
  bool when_run = false;

  std::string TestName() const { return op + "_" + name; }
};

inline OpError Row(std::string op, std::string name, AttributeMap attributes,
                   std::vector<CaseInput> inputs, std::vector<std::string> says,
                   bool when_run = false) {
  return {.op = std::move(op),
          .name = std::move(name),
          .attributes = std::move(attributes),
          .inputs = std::move(inputs),
          .says = std::move(says),
          .when_run = when_run};
}

const std::vector<OpError>& OpErrors();

inline void PrintTo(const OpError& error, std::ostream* out) { *out << error.TestName(); }

// The rows of one family each (tests/cases/errors_*.cc).
std::vector<OpError> ActivationErrors();
std::vector<OpError> ConvErrors();
std::vector<OpError> ElementwiseErrors();
std::vector<OpError> IndexErrors();
std::vector<OpError> LinearErrors();
std::vector<OpError> LossErrors();
std::vector<OpError> NormErrors();
std::vector<OpError> PoolErrors();
std::vector<OpError> RandomErrors();
std::vector<OpError> RecurrentErrors();
std::vector<OpError> ReduceErrors();
std::vector<OpError> SampleErrors();
std::vector<OpError> ShapeErrors();
std::vector<OpError> SignalErrors();

}  // namespace weft

#endif  // WEFT_TESTS_CASES_ERRORS_H_
