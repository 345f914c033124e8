# expect_parts(FOUND): the targets of further libraries that were there when gloss was built; their names, with + between.
function(expect_parts found)
  string(REPLACE "+" ";" found "${found}")
  foreach(name IN LISTS found)
    if(NOT TARGET gloss::${name})
      message(FATAL_ERROR "there is no target gloss::${name}")
    endif()
  endforeach()
endfunction()

# expect_flags(target): it brings -march=native, by gloss::native, only if it is named for that.
function(expect_flags target)
  get_target_property(options ${target} INTERFACE_COMPILE_OPTIONS)
  get_target_property(libraries ${target} INTERFACE_LINK_LIBRARIES)
  string(REGEX MATCH "march|gloss(::|_)native" found "${options};${libraries}")
  if(found AND NOT target MATCHES "native" OR NOT found AND target MATCHES "native")
    message(FATAL_ERROR "${target} has the options ${options} and the libraries ${libraries}")
  endif()
endfunction()
