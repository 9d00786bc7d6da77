#ifndef WEFT_TESTS_MEMORY_TESTING_COUNTING_H_
#define WEFT_TESTS_MEMORY_TESTING_COUNTING_H_

#include <cstdint>

namespace weft {

// What a program with testing_counting.cc in it has asked the heap for since StartCounting, by any
// of malloc's functions and operators new: its own code, and apart from that oneDNN and OpenMP,
// which make short-lived lists of a primitive's arguments and buffers of packed matrices.
struct AllocationCount {
  int64_t ours = 0;                // calls
  int64_t ours_bytes = 0;          // asked for, whether freed or not
  int64_t library_peak_bytes = 0;  // the most that the libraries held at once
  int64_t library_kept_bytes = 0;  // what they hold more than before
};

// Of all threads. One count at a time.
void StartCounting();
AllocationCount StopCounting();

}  // namespace weft

#endif  // WEFT_TESTS_MEMORY_TESTING_COUNTING_H_
