// Catch2 by whichever name this system has it: 2 on Debian 12, 3 on Debian 13.
#pragma once

#ifdef VENEER_CATCH3
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include "fs/base/error.h"

// REQUIREs that a Result or Status holds a value, and shows its error if not.
#define REQUIRE_OK(expression)                                                       \
  do {                                                                               \
    const auto& veneer_result_ = (expression);                                       \
    if (!veneer_result_) FAIL(#expression ": " << veneer_result_.error().message()); \
    SUCCEED();                                                                       \
  } while (false)

// REQUIREs that it holds an error with this code.
#define REQUIRE_FAILS(code_, expression)                                                     \
  do {                                                                                       \
    const auto& veneer_result_ = (expression);                                               \
    REQUIRE_FALSE(veneer_result_.has_value());                                               \
    INFO(veneer_result_.error().message());                                                  \
    REQUIRE(::veneer::CodeWord(veneer_result_.error().code()) == ::veneer::CodeWord(code_)); \
  } while (false)
