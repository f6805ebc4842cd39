# Flags that every target of the project shares: warnings are errors, hardening is on, sanitizers by option.
add_library(veneer_compile INTERFACE)
target_compile_options(veneer_compile INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
  -Wold-style-cast -Wcast-qual -Woverloaded-virtual -Wundef
  -fstack-protector-strong -fno-omit-frame-pointer)
target_compile_definitions(veneer_compile INTERFACE _FILE_OFFSET_BITS=64 _GNU_SOURCE)
target_include_directories(veneer_compile INTERFACE ${CMAKE_SOURCE_DIR})

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 sees uninitialized members in every std::optional that it inlines deeply enough, and overlapping copies in
  # "text" + std::string (its bug 105651).
  target_compile_options(veneer_compile INTERFACE -Wno-maybe-uninitialized -Wno-restrict)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_definitions(veneer_compile INTERFACE _FORTIFY_SOURCE=2)
endif()

if(VENEER_SANITIZE)
  # The check of vptr asks the kernel, by a pipe of its own, whether memory can be read: a sandboxed worker has none.
  add_compile_options(-fsanitize=${VENEER_SANITIZE} -fno-sanitize-recover=all -fno-sanitize=vptr)
  add_link_options(-fsanitize=${VENEER_SANITIZE})
  add_compile_definitions(VENEER_SANITIZED)
endif()
if(VENEER_BUILD_FUZZERS)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(VENEER_CCACHE ccache)
if(VENEER_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${VENEER_CCACHE})
endif()
