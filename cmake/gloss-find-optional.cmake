# What tests, examples and benchmarks use beyond the library itself. A missing one leaves out what needs it, and says so.
# gloss_has_NAME is set for each; gloss_optional carries all that link as libraries.

add_library(gloss_optional INTERFACE)

find_package(nlohmann_json QUIET)
find_package(fmt QUIET)
find_package(CLI11 QUIET)
foreach(pair IN ITEMS nlohmann_json=nlohmann_json::nlohmann_json fmt=fmt::fmt CLI11=CLI11::CLI11)
  string(REGEX MATCH "^(.*)=(.*)$" _ "${pair}")
  set(name "${CMAKE_MATCH_1}")
  set(target "${CMAKE_MATCH_2}")
  if(TARGET ${target})
    set(gloss_has_${name} ON)
    target_link_libraries(gloss_optional INTERFACE ${target})
  else()
    set(gloss_has_${name} OFF)
    message(STATUS "gloss: ${name} not found: tests and examples that need it are left out")
  endif()
endforeach()

# A file needs an optional library when it names it, or a gloss header that is built on it.
set(gloss_needs_nlohmann_json "nlohmann/|gloss/io/safetensors|gloss/io/checkpoint|support/golden")
set(gloss_needs_fmt "include <fmt/|gloss/[a-z_/]*format")
set(gloss_needs_CLI11 "include <CLI/")

# gloss_missing_for(OUT files...): the optional libraries that some of these sources need and the machine lacks.
function(gloss_missing_for out)
  set(missing "")
  foreach(name IN ITEMS nlohmann_json fmt CLI11)
    if(NOT gloss_has_${name})
      foreach(file IN LISTS ARGN)
        file(STRINGS "${file}" hits REGEX "#include.*(${gloss_needs_${name}})")
        if(hits)
          list(APPEND missing ${name})
          break()
        endif()
      endforeach()
    endif()
  endforeach()
  set(${out} "${missing}" PARENT_SCOPE)
endfunction()
