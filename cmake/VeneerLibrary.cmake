# veneer_library(NAME SOURCES... DEPENDS...): the static library of one fs/ folder, named veneer_NAME.
#
# The folders stand in one order, and a folder may depend only on those before it. The order is checked twice:
# here for the links, and by tests/check_layering for the includes.
set(VENEER_LAYERING base io format crypto verity erofs layer catalog scan core fuse)

function(veneer_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LINKS" ${ARGN})
  list(FIND VENEER_LAYERING ${name} self)
  if(self EQUAL -1)
    message(FATAL_ERROR "fs/${name} has no place in VENEER_LAYERING")
  endif()
  add_library(veneer_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(veneer_${name} PUBLIC veneer_compile ${ARG_LINKS})
  foreach(dep IN LISTS ARG_DEPENDS)
    list(FIND VENEER_LAYERING ${dep} other)
    if(other EQUAL -1 OR NOT other LESS self)
      message(FATAL_ERROR "fs/${name} must not depend on fs/${dep}: the order is ${VENEER_LAYERING}")
    endif()
    target_link_libraries(veneer_${name} PUBLIC veneer_${dep})
  endforeach()
endfunction()
