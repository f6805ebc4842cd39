// Small trees for what processes hold of a mount: a program with a shared library, and folders that come and
// go.
#pragma once

#include <string>

namespace veneer::test {

// Makes ROOT/t0, t1 and t2 with:
//   bin/prog        as below; another build in t2
//   lib/libgen.so   another build in each
//   data/big        200 KiB, other bytes in each
//   gone/file       not in t1; in t2 another folder with other bytes
//   new/file        not in t0; in t2 other bytes, and new/late beside it
//   attributes/     modes 0755, 0700, 0711
//   merges/same     the same in all, merges/other only in t1 and t2, other bytes in each
//   plain/file      the same in all
//
// `bin/prog IN OUT` answers each byte read from the FIFO IN with a line on the FIFO OUT: the tree that its
// library is from, as all pages of the library have it (-1 where they differ), and its process id.
void MakeProgramTrees(const std::string& root);

// From t0 to t1: lib/libgen.so and data/big change, gone vanishes, new and merges/other appear.
inline constexpr unsigned kEntriesFromFirstToSecond = 5;

// What data/big holds in `tree`.
std::string BigContent(int tree);

}  // namespace veneer::test
