# Warnings, hardening and instrumentation: one interface target, `mnsdb_flags`, used by everything.

include(CheckLinkerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(mnsdb_flags INTERFACE)
target_include_directories(mnsdb_flags INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_definitions(mnsdb_flags INTERFACE _GNU_SOURCE)

target_compile_options(mnsdb_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes
    -Wmissing-prototypes -Wold-style-definition -Wvla -Wundef -Wformat=2 -Wcast-qual -Wcast-align
    -Wwrite-strings -Wdouble-promotion -Wimplicit-fallthrough -Wnull-dereference -Wswitch-enum)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(mnsdb_flags INTERFACE
        -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Warith-conversion -Walloca)
elseif(CMAKE_C_COMPILER_ID MATCHES "Clang")
    target_compile_options(mnsdb_flags INTERFACE -Wcomma -Wunreachable-code -Wassign-enum)
endif()
# Where assertions are compiled out, what only they use is unused, and what they rule out looks
# possible to the compiler. Builds with assertions still tell what nobody uses or checks.
set(without_assertions "$<CONFIG:Release,RelWithDebInfo,MinSizeRel>")
foreach(warning IN ITEMS unused-function unused-variable unused-but-set-variable unused-parameter
                         null-dereference)
    target_compile_options(mnsdb_flags INTERFACE $<${without_assertions}:-Wno-${warning}>)
endforeach()
if(MNSDB_WERROR)
    target_compile_options(mnsdb_flags INTERFACE -Werror)
endif()

# The engine's shared library exports by a list (EngineLibrary.cmake), so calls inside it may bind early.
target_compile_options(mnsdb_flags INTERFACE -fno-semantic-interposition -fno-common)
target_link_options(mnsdb_flags INTERFACE LINKER:--as-needed)

if(MNSDB_TEST_FAULTS)
    target_compile_definitions(mnsdb_flags INTERFACE MNSDB_TEST_FAULTS=1)
endif()

if(MNSDB_SANITIZE)
    target_compile_options(mnsdb_flags INTERFACE
        -fsanitize=${MNSDB_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(mnsdb_flags INTERFACE -fsanitize=${MNSDB_SANITIZE})
elseif(MNSDB_HARDENING)
    # FORTIFY needs an optimising build, and it hides from sanitizers what they look for.
    target_compile_options(mnsdb_flags INTERFACE
        -fstack-protector-strong -fstack-clash-protection
        $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>
        $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|i[3-6]86")
        target_compile_options(mnsdb_flags INTERFACE -fcf-protection=full)
    endif()
    target_link_options(mnsdb_flags INTERFACE LINKER:-z,relro,-z,now,-z,noexecstack)
    # Addresses in tables (options, commands) are fixed up at every start: a bit each rather than 24 bytes.
    check_linker_flag(C LINKER:-z,pack-relative-relocs MNSDB_LINKER_PACKS_RELOCATIONS)
    if(MNSDB_LINKER_PACKS_RELOCATIONS)
        target_link_options(mnsdb_flags INTERFACE LINKER:-z,pack-relative-relocs)
    endif()
endif()

if(MNSDB_FUZZ)
    target_compile_options(mnsdb_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(MNSDB_COVERAGE)
    target_compile_options(mnsdb_flags INTERFACE --coverage -fprofile-update=atomic)
    target_link_options(mnsdb_flags INTERFACE --coverage)
endif()
