// What the benchmarks have in common: stopping at a failure, timing, medians.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fs/base/error.h"

namespace veneer::bench {

// Says what failed and ends the program.
[[noreturn]] void Die(const std::string& what);
void Check(const Status& status);

double Milliseconds(const std::function<void()>& work);

// The value below which `share` of `values` lie, 0 to 1; the median by default. `values` must not be empty.
double Quantile(std::vector<double> values, double share = 0.5);

}  // namespace veneer::bench
