# Shared libraries, of the objects that the static ones are made of.
# The number of their binary interface: one higher whenever the test `abi` says that programs must be linked anew.
set(CONVOY_ABI 0)

# convoy_shared_library(NAME OBJECTS... LIBS target...): libNAME.so.ABI as the target NAME_shared, made with the target
# NAME where CONVOY_SHARED is on. LIBS are what it needs itself and its users do not see.
function(convoy_shared_library name)
  cmake_parse_arguments(S "" "" "LIBS;PUBLIC" ${ARGN})
  if(NOT CONVOY_SHARED)
    return()
  endif()
  add_library(${name}_shared SHARED ${S_UNPARSED_ARGUMENTS})
  target_link_libraries(${name}_shared PUBLIC convoy_flags ${S_PUBLIC} PRIVATE ${S_LIBS})
  # What templates of the standard library leave behind is not ours to export.
  target_link_options(${name}_shared PRIVATE -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/exports.map)
  set_target_properties(${name}_shared PROPERTIES OUTPUT_NAME ${name} VERSION ${CONVOY_ABI}.${PROJECT_VERSION}
    SOVERSION ${CONVOY_ABI} LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/exports.map)
endfunction()
