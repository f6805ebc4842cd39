# veneer_test(NAME SOURCES... LINKS... [TIMEOUT SECONDS] [LABELS...]): a Catch2 program, run by ctest as one test.
find_package(Catch2 REQUIRED)

# Catch2 2 (Debian 12) wants one file with its main; Catch2 3 (Debian 13) brings a library with it.
add_library(veneer_catch_main STATIC ${CMAKE_SOURCE_DIR}/tests/support/catch_main.cc)
target_include_directories(veneer_catch_main PUBLIC ${CMAKE_SOURCE_DIR})
if(Catch2_VERSION VERSION_GREATER_EQUAL 3)
  target_link_libraries(veneer_catch_main PUBLIC Catch2::Catch2WithMain)
  target_compile_definitions(veneer_catch_main PUBLIC VENEER_CATCH3)
else()
  target_link_libraries(veneer_catch_main PUBLIC Catch2::Catch2)
endif()

function(veneer_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINKS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE veneer_compile veneer_catch_main ${ARG_LINKS})
  add_test(NAME ${name} COMMAND ${name})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  set(cost ${ARG_TIMEOUT})  # the longest first, so that none runs on alone at the end
  if(VENEER_SANITIZE)
    math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * 5")
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} COST ${cost} LABELS "${ARG_LABELS}")
endfunction()
