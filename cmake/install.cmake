# `find_package(convoy)` gives convoy::convoy, with COMPONENTS media convoy::media too. Their headers are those of
# include/convoy/, included as <convoy/engine.h> inside this repository and outside it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/convoy)
set(include_dir ${PROJECT_SOURCE_DIR}/include)

# install_library(TARGET EXPORT-SET EXPORT-NAME header...)
function(install_library target export name)
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${include_dir} ${PROJECT_BINARY_DIR}/include FILES ${ARGN})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  install(TARGETS ${target} EXPORT ${export} FILE_SET HEADERS)
  install(EXPORT ${export} NAMESPACE convoy:: DESTINATION ${package_dir})
endfunction()

install(TARGETS convoy_flags EXPORT convoyTargets)
set_target_properties(convoy_flags PROPERTIES EXPORT_NAME flags)
file(GLOB headers CONFIGURE_DEPENDS ${include_dir}/convoy/*.h)
install_library(convoy convoyTargets convoy
  ${headers} ${include_dir}/convoy/convoy.hpp ${PROJECT_BINARY_DIR}/include/convoy/version.h)

if(CONVOY_TOOLS)
  file(GLOB headers CONFIGURE_DEPENDS ${include_dir}/convoy/media/*.h)
  install_library(convoy_media convoyMediaTargets media ${headers} ${include_dir}/convoy/media.hpp)
  install(TARGETS yolo-run yolo-inspect yolo-eval)
  # Pages and completions that the programs make of their own options.
  foreach(command yolo-run yolo-inspect yolo-eval)
    set(page ${PROJECT_BINARY_DIR}/pages/${command})
    add_custom_command(OUTPUT ${page}.1 ${page}.bash DEPENDS ${command}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/pages
      COMMAND ${command} --print-man > ${page}.1
      COMMAND ${command} --print-completion > ${page}.bash VERBATIM)
    list(APPEND pages ${page}.1 ${page}.bash)
    install(FILES ${page}.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
    install(FILES ${page}.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ${command})
  endforeach()
  add_custom_target(pages ALL DEPENDS ${pages})
  install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/convoy/models FILES_MATCHING
          PATTERN "*.cfg" PATTERN "*.weights" PATTERN "*.names")
endif()

# A program that links the static library needs the CUDA runtime on its link line, and nothing else of CUDA's.
if(CONVOY_CUDA AND NOT BUILD_SHARED_LIBS)
  install(FILES ${CUDA_cudart_static_LIBRARY} DESTINATION ${package_dir})
endif()
get_target_property(CONVOY_LIBRARY_TYPE convoy TYPE)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/convoyConfig.cmake.in ${PROJECT_BINARY_DIR}/convoyConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/convoyConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/convoyConfig.cmake ${PROJECT_BINARY_DIR}/convoyConfigVersion.cmake DESTINATION ${package_dir})
