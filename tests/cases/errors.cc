#include "tests/cases/errors.h"

namespace weft {

const std::vector<OpError>& OpErrors() {
  static const std::vector<OpError>& errors = *[] {
    auto* all = new std::vector<OpError>();
    for (auto part : {ActivationErrors, ConvErrors, ElementwiseErrors, IndexErrors, LinearErrors,
                      LossErrors, NormErrors, PoolErrors, RandomErrors, RecurrentErrors,
                      ReduceErrors, SampleErrors, ShapeErrors, SignalErrors}) {
      for (OpError& error : part()) all->push_back(std::move(error));
    }
    return all;
  }();
  return errors;
}

}  // namespace weft
