# Programs are installed where they are defined (Modules.cmake); here: the library, manuals, docs.

install(TARGETS mnsdb_engine ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)
if(TARGET mnsdb_engine_shared)
    install(TARGETS mnsdb_engine_shared
            LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT library
            NAMELINK_COMPONENT development)
endif()

# include/mnsdb/engine/engine.h and so on: the .pc file puts include/mnsdb on the search path.
foreach(header IN LISTS MNSDB_ENGINE_HEADERS)
    get_filename_component(folder "${header}" DIRECTORY)
    install(FILES "${PROJECT_SOURCE_DIR}/${header}"
            DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/mnsdb/${folder}" COMPONENT development)
endforeach()

if(MNSDB_ENGINE_HEADERS)
    # The prefix stands relative to the .pc file, so an installed tree can be moved.
    file(RELATIVE_PATH MNSDB_PC_PREFIX "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
    string(REGEX REPLACE "/$" "" MNSDB_PC_PREFIX "${MNSDB_PC_PREFIX}")
    configure_file("${PROJECT_SOURCE_DIR}/cmake/mnsdb-engine.pc.in"
                   "${PROJECT_BINARY_DIR}/mnsdb-engine.pc" @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/mnsdb-engine.pc"
            DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT development)
endif()

foreach(section IN ITEMS 1 3 5 7 8)
    file(GLOB pages CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/man/*.${section}")
    if(pages)
        install(FILES ${pages} DESTINATION "${CMAKE_INSTALL_MANDIR}/man${section}" COMPONENT programs)
    endif()
endforeach()

# Completion. Each shell loads a file by the command's name; zsh reads the names in the file.
foreach(program IN ITEMS mnsdb mnsdb-ingest mnsdb-sql mnsdb-fleet mnsdb-bench mnsdb-localqueue)
    install(FILES "${PROJECT_SOURCE_DIR}/completion/mnsdb.bash" RENAME ${program}
            DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" COMPONENT programs)
    install(FILES "${PROJECT_SOURCE_DIR}/completion/mnsdb.fish" RENAME ${program}.fish
            DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d" COMPONENT programs)
endforeach()
install(FILES "${PROJECT_SOURCE_DIR}/completion/_mnsdb"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" COMPONENT programs)

# The service, and an example of its settings. systemd names its folder for units, but only a package
# (prefix /usr) may write there; another prefix has its own.
set(MNSDB_UNIT_DIR "" CACHE PATH "Folder for the systemd unit (empty: found)")
set(unit_dir "${MNSDB_UNIT_DIR}")
if(NOT unit_dir)
    pkg_get_variable(systemd_unit_dir systemd systemdsystemunitdir)
    if(systemd_unit_dir AND CMAKE_INSTALL_PREFIX STREQUAL "/usr")
        set(unit_dir "${systemd_unit_dir}")
    else()
        set(unit_dir "lib/systemd/system")
    endif()
endif()
# Its ExecStart names the prefix, which may be chosen as late as at the installation.
install(CODE "
    set(CMAKE_INSTALL_FULL_BINDIR \"${CMAKE_INSTALL_BINDIR}\")
    if(NOT IS_ABSOLUTE \"\${CMAKE_INSTALL_FULL_BINDIR}\")
        set(CMAKE_INSTALL_FULL_BINDIR \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
    endif()
    configure_file(\"${PROJECT_SOURCE_DIR}/etc/mnsdb-ingest.service.in\"
                   \"${PROJECT_BINARY_DIR}/mnsdb-ingest.service\" @ONLY)"
        COMPONENT programs)
install(FILES "${PROJECT_BINARY_DIR}/mnsdb-ingest.service" DESTINATION "${unit_dir}"
        COMPONENT programs)
install(FILES "${PROJECT_SOURCE_DIR}/etc/ingest.conf.example"
        DESTINATION "${CMAKE_INSTALL_DOCDIR}/examples" COMPONENT programs)

# README.md links into docs/: the same folders, so that its links hold where it is installed.
foreach(document IN ITEMS README.md CHANGELOG.md)
    if(EXISTS "${PROJECT_SOURCE_DIR}/${document}")
        install(FILES "${PROJECT_SOURCE_DIR}/${document}" DESTINATION "${CMAKE_INSTALL_DOCDIR}"
                COMPONENT programs)
    endif()
endforeach()
if(EXISTS "${PROJECT_SOURCE_DIR}/docs")
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/docs" DESTINATION "${CMAKE_INSTALL_DOCDIR}"
            COMPONENT programs FILES_MATCHING PATTERN "*.md")
endif()
